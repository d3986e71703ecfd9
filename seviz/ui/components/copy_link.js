// A button that puts the page's address on the clipboard.

export default function ({ parentElement }) {
  const button = parentElement.querySelector("button")
  button.onclick = async () => {
    const copied = await copy(window.location.href)
    button.textContent = copied ? "Copied" : "Copy it from the address bar"
    setTimeout(() => { button.textContent = "Copy link" }, 1500)
  }
}

async function copy(text) {
  try { await navigator.clipboard.writeText(text); return true } catch { /* not allowed, or no secure page: the old way */ }
  const area = Object.assign(document.createElement("textarea"), { value: text })
  document.body.append(area)
  area.select()
  const copied = document.execCommand("copy")
  area.remove()
  return copied
}
