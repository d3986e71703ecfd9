// The gates of a network as strips with switches; one site is open, and its channels are bars that can be drawn.
//
// data: { answered, colours, ink: {bar, drawn}, swap, verdict, modes: {static: reason or "", swap: reason or ""},
//         groups: [{ where, title, mode, sites: [{ path, title, before, after, mode, drawn }] }] }
//   answered   number of the last message that Python has answered: while one is unanswered, the newest waits here
//   where      what a switch of the whole group names ("all", "s3"), or null for none
//   before, after   gates of the channels in 0..1, without and with the edits in force; drawn: channels edited by hand
// trigger "edit":  { number, where, mode }  or  { number, path, channel, value, draft }, value null to let go; draft while a
//   bar is being dragged: such an edit is answered but not written into the address, where each would be a step back

const MODES = ["live", "off", "static", "swap"]
const TIPS = {
  live: "What the network makes of this picture", off: "Every gate is 1: as if there were no SE block",
  static: "The mean gate over the data set, the same for every picture", swap: "Gates from elsewhere: see above the map",
}
const BAR = 5 // pixels that a channel has at least
const GUTTER = 18 // pixels left of the bars, for the axis
const PATIENCE = 5000 // milliseconds after which an unanswered message is given up

export default function ({ data, parentElement, setTriggerValue }) {
  const view = (parentElement.gateMap ??= create(parentElement))
  view.send = (message) => setTriggerValue("edit", message)
  view.update(data)
  return () => { view.watcher.disconnect(); parentElement.gateMap = undefined }
}

function create(root) {
  const view = { root, map: root.querySelector(".map"), told: root.querySelector(".told"), rows: new Map(), sent: 0, waiting: null,
                 open: null, channel: 0, drag: null }
  view.watcher = new ResizeObserver(() => view.data && paint(view))
  view.watcher.observe(view.map)
  view.update = (data) => update(view, data)
  return view
}

function update(view, data) {
  const shape = JSON.stringify(data.groups.map((group) => [group.where, group.title, group.sites.map((site) => [site.path, site.title])]))
  view.data = data
  view.colours = data.colours.match(/.{6}/g).map((digits) => "#" + digits)
  if (view.sent < data.answered) view.sent = data.answered // a page that was left and opened again counts on
  if (shape !== view.shape) build(view, shape)
  for (const group of data.groups) {
    check(view, group.where, group.mode)
    for (const site of group.sites) check(view, site.path, site.mode)
  }
  if (view.drag) siteOf(view, view.drag.path).after[view.drag.channel] = view.drag.value
  if (view.waiting && data.answered >= view.sent) { const next = view.waiting; view.waiting = null; post(view, next) }
  paint(view)
  tell(view)
}

function build(view, shape) {
  view.shape = shape
  view.rows.clear()
  view.map.replaceChildren()
  const sites = view.data.groups.flatMap((group) => group.sites)
  if (!sites.some((site) => site.path === view.open)) { view.open = sites.at(-1)?.path ?? null; view.channel = 0 }
  for (const group of view.data.groups) {
    const head = element("div", "row head" + (group.where === "all" ? " all" : ""))
    head.append(element("span", "name", group.title))
    if (group.where) head.append(switches(view, group.where, group.title))
    view.map.append(head)
    for (const site of group.sites) view.map.append(...siteRow(view, group, site))
  }
}

function siteRow(view, group, site) {
  const row = element("div", "row"), title = `${group.title} ${site.title}`.trim()
  const name = element("button", "name", site.title), strip = element("canvas", "strip")
  name.type = "button"
  name.setAttribute("aria-label", `${title}: show its channels`)
  name.onclick = () => openSite(view, view.open === site.path ? null : site.path, 0)
  strip.setAttribute("role", "img")
  strip.onclick = (event) => openSite(view, site.path, channelAt(strip, event, site.after.length))
  row.append(name, strip, switches(view, site.path, title))
  const box = element("div", "scroll"), bars = element("canvas", "bars")
  box.append(bars)
  makeBars(view, bars, site.path)
  view.rows.set(site.path, { name, strip, box, bars, title })
  return [row, box]
}

function switches(view, where, title) {
  const group = element("fieldset", "")
  group.setAttribute("role", "radiogroup")
  group.setAttribute("aria-label", `Gates of ${title}`)
  for (const mode of MODES) {
    const label = element("label", ""), input = element("input", "")
    Object.assign(input, { type: "radio", name: `mode-${where}`, value: mode })
    input.onchange = () => post(view, { where, mode })
    label.append(input, element("span", "", mode))
    group.append(label)
  }
  view.rows.set(`switch-${where}`, group)
  return group
}

function check(view, where, mode) {
  for (const input of view.rows.get(`switch-${where}`)?.querySelectorAll("input") ?? []) {
    const reason = view.data.modes[input.value]
    input.checked = input.value === mode
    input.disabled = Boolean(reason)
    input.parentElement.title = reason || (input.value === "swap" ? view.data.swap : TIPS[input.value])
  }
}

// One message is under way at a time; of those made meanwhile the newest is kept, so that a drag never queues up.
function post(view, message) {
  if (view.sent > view.data.answered && performance.now() - view.sentAt < PATIENCE) { view.waiting = message; return }
  view.sent += 1
  view.sentAt = performance.now()
  view.send({ number: view.sent, ...message })
}

function openSite(view, path, channel) {
  view.open = path
  view.channel = channel
  paint(view)
  tell(view)
}

// ---- drawing a channel with pointer or keys

function makeBars(view, bars, path) {
  bars.tabIndex = 0
  bars.setAttribute("role", "slider")
  bars.setAttribute("aria-valuemin", 0)
  bars.setAttribute("aria-valuemax", 1)
  bars.onpointerdown = (event) => {
    if (event.button) return
    view.channel = channelAt(bars, event, siteOf(view, path).after.length, GUTTER)
    view.drag = { path, channel: view.channel, value: siteOf(view, path).after[view.channel], from: event.clientY, moved: false,
                  box: bars.getBoundingClientRect() } // as it is now: the page may move below the hand when chips appear
    bars.setPointerCapture(event.pointerId)
    bars.focus({ preventScroll: true })
    paint(view)
    tell(view)
  }
  bars.onpointermove = (event) => {
    if (!view.drag) { hover(view, path, channelAt(bars, event, siteOf(view, path).after.length, GUTTER)); return }
    if (!view.drag.moved && Math.abs(event.clientY - view.drag.from) < 3) return
    view.drag.moved = true
    set(view, view.drag, valueAt(view.drag.box, event), true)
  }
  bars.onpointerup = bars.onpointercancel = () => {
    const drag = view.drag
    view.drag = null
    if (drag?.moved) post(view, { path, channel: drag.channel, value: drag.value })
  }
  bars.onpointerleave = () => tell(view)
  bars.ondblclick = () => post(view, { path, channel: view.channel, value: null })
  bars.onkeydown = (event) => key(view, path, event)
}

function key(view, path, event) {
  const site = siteOf(view, path), value = site.after[view.channel], last = site.after.length - 1
  const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
  const next = { ArrowUp: value + 0.05, ArrowDown: value - 0.05, PageUp: value + 0.25, PageDown: value - 0.25, Home: 0, End: 1 }[event.key]
  if (move !== undefined) view.channel = Math.min(last, Math.max(0, view.channel + move))
  else if (next !== undefined) set(view, { path, channel: view.channel }, Math.min(1, Math.max(0, next)))
  else if (event.key === "Delete" || event.key === "Backspace") post(view, { path, channel: view.channel, value: null })
  else return
  event.preventDefault()
  paint(view)
  tell(view)
}

function set(view, place, value, draft = false) {
  const rounded = Math.round(value * 100) / 100
  place.value = rounded
  siteOf(view, place.path).after[place.channel] = rounded
  post(view, { path: place.path, channel: place.channel, value: rounded, draft })
  paint(view)
  tell(view)
}

function valueAt(box, event) {
  const inside = inner(box.height)
  return Math.min(1, Math.max(0, (inside.bottom - (event.clientY - box.top)) / (inside.bottom - inside.top)))
}

function channelAt(canvas, event, count, gutter = 0) {
  const box = canvas.getBoundingClientRect(), share = (event.clientX - box.left - gutter) / (box.width - gutter)
  return Math.min(count - 1, Math.max(0, Math.floor(share * count)))
}

// ---- painting

function paint(view) {
  for (const site of view.data.groups.flatMap((group) => group.sites)) {
    const row = view.rows.get(site.path), open = view.open === site.path
    row.name.setAttribute("aria-expanded", open)
    row.box.hidden = !open
    paintStrip(view, row.strip, site)
    row.strip.setAttribute("aria-label", `${row.title}: ${site.after.length} gates, mean ${mean(site.before)} before and ${mean(site.after)} after`)
    if (open) paintBars(view, row.bars, site, row.title)
  }
}

function paintStrip(view, canvas, site) {
  const { pen, width, height } = fresh(canvas), count = site.after.length
  for (let channel = 0; channel < count; channel++) {
    const left = Math.floor((channel * width) / count), wide = Math.ceil(((channel + 1) * width) / count) - left
    for (const [values, top, tall] of [[site.before, 0, 7], [site.after, 9, height - 9]]) {
      pen.fillStyle = view.colours[Math.round(255 * Math.min(1, Math.max(0, values[channel])))]
      pen.fillRect(left, top, wide, tall)
    }
  }
}

function paintBars(view, canvas, site, title) {
  const count = site.after.length, room = canvas.parentElement.clientWidth - 12
  canvas.style.width = `${Math.max(room, GUTTER + count * BAR)}px`
  const { pen, width, height } = fresh(canvas), style = getComputedStyle(view.map), { top, bottom } = inner(height)
  const step = (width - GUTTER) / count, thick = Math.max(1, step * 0.72), drawn = new Set(site.drawn), ink = style.color
  pen.fillStyle = ink
  pen.font = `11px ${style.fontFamily}`
  for (const at of [0, 0.5, 1]) {
    pen.globalAlpha = 0.25
    pen.fillRect(GUTTER, Math.round(bottom - at * (bottom - top)), width - GUTTER, 1)
    pen.globalAlpha = 0.85
    pen.fillText(at === 0.5 ? "½" : at, 4, bottom - at * (bottom - top) + 4)
  }
  for (let channel = 0; channel < count; channel++) {
    const left = GUTTER + channel * step + (step - thick) / 2, now = site.after[channel], before = site.before[channel]
    const y = bottom - Math.min(1.05, Math.max(0, now)) * (bottom - top), by = bottom - before * (bottom - top)
    const held = drawn.has(channel) || (view.drag?.path === site.path && view.drag.channel === channel && view.drag.moved)
    pen.globalAlpha = 1
    pen.fillStyle = held ? view.data.ink.drawn : view.data.ink.bar
    pen.fillRect(left, y, thick, bottom - y)
    if (held) { pen.fillRect(left - 1, y - 2, thick + 2, 4) }
    pen.fillStyle = ink
    if (Math.abs(now - before) > 0.004) pen.fillRect(GUTTER + channel * step, by - 1, step, 2)
    if (channel === view.channel) { pen.beginPath(); pen.moveTo(left + thick / 2, bottom + 3); pen.lineTo(left + thick / 2 - 4, bottom + 10)
      pen.lineTo(left + thick / 2 + 4, bottom + 10); pen.fill() }
  }
  const value = site.after[view.channel]
  canvas.setAttribute("aria-label", `Gate of a channel of ${title}; left and right choose the channel, up and down move its gate`)
  canvas.setAttribute("aria-valuenow", value.toFixed(2))
  canvas.setAttribute("aria-valuetext", `channel ${view.channel}: ${value.toFixed(2)}`)
}

function inner(height) { return { top: 8, bottom: height - 14 } }

function fresh(canvas) {
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight
  canvas.width = Math.max(1, Math.round(width * scale))
  canvas.height = Math.max(1, Math.round(height * scale))
  const pen = canvas.getContext("2d")
  pen.scale(scale, scale)
  return { pen, width, height }
}

function tell(view) {
  const site = view.open && siteOf(view, view.open)
  if (!site) { view.told.textContent = "Open a block to draw its channels."; return }
  view.told.textContent = words(view, site, view.channel)
}

function hover(view, path, channel) { view.told.textContent = words(view, siteOf(view, path), channel) }

function words(view, site, channel) {
  const now = site.after[channel], before = site.before[channel]
  const verdict = view.data.verdict && `. ${view.data.verdict}`
  return `${view.rows.get(site.path).title}, channel ${channel}: gate ${now.toFixed(2)}` + (Math.abs(now - before) > 0.004 ? `, was ${before.toFixed(2)}` : "") + verdict
}

function siteOf(view, path) { return view.data.groups.flatMap((group) => group.sites).find((site) => site.path === path) }

function mean(values) { return (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(2) }

function element(kind, name, text) {
  const made = document.createElement(kind)
  if (name) made.className = name
  if (text !== undefined) made.textContent = text
  return made
}
