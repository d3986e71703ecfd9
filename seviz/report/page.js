"use strict";
// Draws figures when they come into view, lets one of several be chosen, and hands out tables as CSV. Fetches nothing.
(() => {
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
  const drawn = new Set();
  let printing = false;

  const theme = () => themes[dark.matches && !printing ? "dark" : "light"];

  function draw(chart) {
    if (drawn.has(chart)) return;
    drawn.add(chart);
    const figure = JSON.parse(chart.nextElementSibling.textContent);
    figure.layout.template = theme();
    Plotly.newPlot(chart, figure.data, figure.layout, config);
    // the words on the frame stand for the drawing; its buttons can be reached
    for (const drawing of chart.querySelectorAll("svg.main-svg")) drawing.setAttribute("aria-hidden", "true");
  }

  const eyes = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { eyes.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "600px 0px" });

  function repaint() {
    for (const chart of drawn) Plotly.relayout(chart, { template: theme() });
  }
  dark.addEventListener("change", repaint);
  addEventListener("beforeprint", () => {
    printing = true;
    for (const chart of document.querySelectorAll(".chart")) if (chart.offsetParent !== null) draw(chart);
    repaint();
  });
  addEventListener("afterprint", () => { printing = false; repaint(); });

  // choices: one option is shown, and all choices of one label in a chapter change together
  let count = 0;
  function options(choice) {
    return [...choice.children].filter((child) => child.classList.contains("option"));
  }
  function choose(choice, title) {
    if (!options(choice).some((option) => option.dataset.title === title)) return;
    for (const option of options(choice)) option.hidden = option.dataset.title !== title;
    choice.querySelector("select").value = title;
  }
  for (const choice of document.querySelectorAll(".choice")) {
    const label = document.createElement("label");
    const select = document.createElement("select");
    label.textContent = choice.dataset.label + " ";
    select.id = label.htmlFor = "choice-" + count++;
    for (const option of options(choice)) select.add(new Option(option.dataset.title));
    choice.prepend(label, select);
    choice.classList.add("live");
    choose(choice, options(choice)[Number(choice.dataset.first)].dataset.title);
    select.addEventListener("change", () => {
      for (const other of choice.closest("article").querySelectorAll(".choice"))
        if (other.dataset.label === choice.dataset.label) choose(other, select.value);
    });
  }

  // tables: their rows are made when they are opened; as CSV they are the same rows
  const field = (value) => {
    const text = String(value ?? "");
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  function download(name, table) {
    const text = [table.columns, ...table.rows].map((row) => row.map(field).join(",") + "\n").join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = name + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  function element(tag, words, attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = words;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }
  function unfold(details) {
    if (details.querySelector("table")) return;
    const table = JSON.parse(details.querySelector("script").textContent);
    const button = element("button", "CSV", { type: "button" });
    button.addEventListener("click", () => download(details.dataset.name, table));
    const frame = element("div", "", { class: "wide", tabindex: "0", role: "region", "aria-label": "Numbers" });
    const grid = element("table", ""), head = element("tr", ""), body = element("tbody", "");
    for (const name of table.columns) head.append(element("th", name, { scope: "col" }));
    for (const row of table.rows) {
      const line = element("tr", "");
      for (const value of row) line.append(element("td", value ?? "", typeof value === "number" ? { class: "n" } : {}));
      body.append(line);
    }
    grid.createTHead().append(head);
    grid.append(body);
    frame.append(grid);
    details.append(button, frame);
  }
  for (const details of document.querySelectorAll("details.numbers"))
    details.addEventListener("toggle", () => { if (details.open) unfold(details); });

  const narrow = matchMedia("(max-width: 1099px)");
  if (narrow.matches) document.querySelector("nav details").open = false;
  for (const chart of document.querySelectorAll(".chart")) eyes.observe(chart);
})();
