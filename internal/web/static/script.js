// What a page does by itself: it follows what changes, draws the curve, takes
// keys. Everything can be done without it.
"use strict"

const body = document.body

// Regions are written by the server; the script puts them in their place, and
// leaves the focus where it was.
function place({id, html}) {
  const region = document.getElementById(id)
  if (!region) return
  const focus = region.contains(document.activeElement) ? document.activeElement.id : ""
  const fresh = document.createElement("template")
  fresh.innerHTML = html
  region.replaceChildren(fresh.content)
  if (focus) document.getElementById(focus)?.focus({preventScroll: true})
  draw()
}

// What is pressed stays until it is let go: a click is lost on a button that is
// taken away under it.
const news = new Map()
let pressed = false
function catchUp() {
  if (pressed) return
  for (const region of news.values()) place(region)
  news.clear()
}
addEventListener("pointerdown", () => { pressed = true }, true)
for (const end of ["pointerup", "pointercancel", "dragend", "blur"]) {
  addEventListener(end, () => { pressed = false; setTimeout(catchUp) }, end !== "blur") // the window's, not a field's
}

if (body.dataset.live && window.EventSource) {
  const source = new EventSource(body.dataset.live)
  source.onmessage = event => {
    const region = JSON.parse(event.data)
    news.set(region.id, region)
    catchUp()
  }
  source.onopen = () => { body.dataset.following = "" }
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) location.reload() }
  addEventListener("pagehide", () => source.close())
}

for (const slow of document.querySelectorAll("[data-fetch]")) {
  fetch(slow.dataset.fetch).then(answer => answer.ok ? answer.text() : Promise.reject(answer.status)).then(text => {
    const page = new DOMParser().parseFromString(text, "text/html")
    slow.replaceChildren(...(page.getElementById("part") ?? page.getElementById("main")).childNodes)
  }).catch(() => { location.href = slow.dataset.fetch })
}

// A search of a long list comes in stretches; nobody has to ask for the next one
// while nobody was found.
const onward = document.querySelector("[data-onward] a")
if (onward) location.replace(onward.href)

// The curve: one line for each state, in the colour that the style gives it.
let chart, drawn = "", colours = ""
function draw() {
  const box = document.querySelector("[data-curve]")
  const source = document.getElementById("curve")
  if (!box || !source || !window.uPlot) return
  const style = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim()
  if (drawn === source.dataset.points && colours === style("ink")) return
  const {at, lines} = JSON.parse(source.dataset.points)
  if (!at || !at.length) return
  const two = n => String(n).padStart(2, "0")
  const clock = seconds => {
    const t = new Date(seconds * 1000), time = two(t.getHours()) + ":" + two(t.getMinutes())
    if (at.at(-1) - at[0] > 86400) return two(t.getMonth() + 1) + "-" + two(t.getDate()) + " " + time
    return at.at(-1) - at[0] > 1200 ? time : time + ":" + two(t.getSeconds())
  }
  const axis = {stroke: style("soft"), grid: {stroke: style("rule"), width: 1}, ticks: {stroke: style("rule"), width: 1}}
  const shape = lines.map(line => line.state).join() + style("ink")
  const data = [at, ...lines.map(line => line.n)]
  drawn = source.dataset.points
  if (chart && chart.shape === shape) return chart.setData(data)
  colours = style("ink")
  chart?.destroy()
  chart = new uPlot({
    width: box.clientWidth, height: 190, cursor: {drag: {x: true, y: false}}, legend: {live: true},
    scales: {y: {range: (_, low, high) => [0, Math.max(high, 1)]}},
    axes: [{...axis, space: 90, values: (_, marks) => marks.map(clock)}, {...axis, size: 62}],
    series: [{label: box.dataset.curve, value: (_, t) => t == null ? "–" : clock(t)}, ...lines.map(line => ({
      label: line.label, stroke: style(line.state), width: 2, fill: line.state === "sent" ? style("sent") + "22" : undefined,
      points: {show: false},
    }))],
  }, data, box)
  chart.shape = shape
}
draw()
addEventListener("resize", () => chart?.setSize({width: document.querySelector("[data-curve]").clientWidth, height: 190}))
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw)

// Keys for those who look through many mails.
addEventListener("keydown", event => {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return
  const keys = {j: "j", k: "k", ArrowRight: "j", ArrowLeft: "k"}
  document.querySelector(`[data-key="${keys[event.key]}"]`)?.click()
})
