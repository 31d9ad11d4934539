// The page: asks /api/live every second while it is looked at, and shows what has changed. Nothing is loaded from elsewhere.
"use strict";

const PERIOD = 1000, PATIENCE = 5000, SAMPLES = 60, LOG_KEPT = 48 * 1024;
const at = (id) => document.getElementById(id);

// ---- Numbers for people ------------------------------------------------------------------------------------------------

const three = (value) => value.toLocaleString("en", { maximumSignificantDigits: 3, useGrouping: false });

function scaled(value, units, step) {
  let unit = 0;
  while (value >= step * 0.9995 && unit < units.length - 1) { value /= step; unit++; }
  return `${value >= 1000 ? Math.round(value) : three(value)} ${units[unit]}`;
}
const bytes = (value) => scaled(value, ["B", "KiB", "MiB", "GiB"], 1024);
const seconds = (nanoseconds) => scaled(nanoseconds, ["ns", "µs", "ms", "s"], 1000);
const rateText = (rate) => (rate >= 9.95 || rate === 0 ? Math.round(rate).toLocaleString("en") : rate.toFixed(1));

function uptime(nanoseconds) {
  const s = Math.floor(nanoseconds / 1e9), two = (n) => String(n).padStart(2, "0");
  const clock = `${two(Math.floor(s / 3600) % 24)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 86400 ? `${Math.floor(s / 86400)} d ${clock}` : clock;
}

// ---- Elements ----------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = ["svg", "g", "path", "circle", "text", "title"].includes(name)
    ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Gives `parent` one child for each item, in their order. Those that stay are kept, so that focus and animations are too.
function keyed(parent, items, keyOf, make, update) {
  const old = (parent.known ??= new Map()), known = new Map();
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item), child = old.get(key) ?? make(item);
    known.set(key, child);
    old.delete(key);
    if (child === place) place = place.nextElementSibling; else parent.insertBefore(child, place);
    update(child, item);
  }
  for (const gone of old.values()) gone.remove();
  parent.known = known;
}

function cells(row, texts) {
  texts.forEach((text, index) => {
    const cell = row.cells[index];
    if (cell.textContent !== text) cell.textContent = text;
  });
}

// ---- What is known -----------------------------------------------------------------------------------------------------

let before = null, logText = "", logNext = 0, samples = [];
const slots = [];

const placeOf = (id) => Number(id.split(".")[0]);

// What has changed since the last answer, a second.
function compare(now) {
  const elapsed = before ? (now.system.uptime - before.system.uptime) / 1e9 : 0;
  if (elapsed < 0) { before = null; logText = ""; logNext = 0; samples = []; return null; }
  const perSecond = (value, old) => (elapsed > 0 && old !== undefined && value >= old ? (value - old) / elapsed : 0);
  const tasksBefore = new Map(before?.tasks.map((task) => [task.id, task]));
  for (const task of now.tasks) {
    const old = tasksBefore.get(task.id);
    task.fresh = before !== null && !old;
    task.rate = perSecond(task.messages, old?.messages);
    task.share = Math.min(1, perSecond(task.time, old?.time) / 1e9);
  }
  const living = new Map(now.tasks.map((task) => [placeOf(task.id), task]));
  const pairs = new Map();
  const countsBefore = new Map(before?.messages.map(([from, to, count]) => [`${from} ${to}`, count]));
  for (const [from, to, count] of now.messages) {
    const one = living.get(Math.min(from, to)), other = living.get(Math.max(from, to));
    if (!one || !other || one === other) continue;
    const key = `${one.id} ${other.id}`;
    const pair = pairs.get(key) ?? { key, one, other, rate: 0, total: 0 };
    pair.rate += perSecond(count, countsBefore.get(`${from} ${to}`) ?? 0);
    pair.total += count;
    pairs.set(key, pair);
  }
  const sum = (answer, name) => answer?.interfaces.filter((i) => i.name !== "lo").reduce((all, i) => all + i[name], 0);
  if (before) {
    samples.push({
      received: perSecond(sum(now, "received_bytes"), sum(before, "received_bytes")),
      sent: perSecond(sum(now, "sent_bytes"), sum(before, "sent_bytes")),
    });
    samples = samples.slice(-SAMPLES);
  }
  return [...pairs.values()].sort((a, b) => b.rate - a.rate || b.total - a.total);
}

// ---- Parts of the page -------------------------------------------------------------------------------------------------

function showFigures(now, pairs) {
  at("figure-uptime").textContent = uptime(now.system.uptime);
  at("figure-tasks").textContent = now.tasks.length;
  at("figure-messages").textContent = before ? rateText(pairs.reduce((all, pair) => all + pair.rate, 0)) : "–";
  at("figure-accepts").textContent = now.network ? now.network.accepts.toLocaleString("en") : "–";
  at("about").textContent = `version ${now.system.version} · a microkernel operating system, made of small servers`;
}

// The drawing's own units: a narrow window gets a drawing as narrow, with letters that can be read.
const narrow = matchMedia("(max-width: 560px)");
const HEIGHT = 460;
let WIDTH = 640;

// Where a task stands: the first one, which all know, in the middle; the others around it, each where it was.
function position(task) {
  if (placeOf(task.id) === 0) return { x: WIDTH / 2, y: HEIGHT / 2 };
  const around = Math.max(7, slots.length), angle = (slots.indexOf(task.id) / around) * 2 * Math.PI - Math.PI / 2;
  return { x: WIDTH / 2 + Math.cos(angle) * WIDTH * 0.405, y: HEIGHT / 2 + 6 + Math.sin(angle) * HEIGHT * 0.42 };
}

function assignSlots(tasks) {
  const outer = tasks.filter((task) => placeOf(task.id) !== 0).map((task) => task.id);
  slots.forEach((id, slot) => { if (!outer.includes(id)) slots[slot] = null; });
  for (const id of outer.filter((id) => !slots.includes(id))) {
    const free = slots.indexOf(null);
    if (free >= 0) slots[free] = id; else slots.push(id);
  }
  while (slots.length > outer.length && slots.length > 7 && slots.at(-1) === null) slots.pop();
}

function showGraph(now, pairs) {
  WIDTH = narrow.matches ? 400 : 640;
  at("graph").setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  assignSlots(now.tasks);
  const where = new Map(now.tasks.map((task) => [task.id, position(task)]));
  const curve = ({ one, other }) => {
    const a = where.get(one.id), b = where.get(other.id);
    const straight = placeOf(one.id) === 0 ? 0 : 0.42;
    const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    const control = { x: middle.x + (WIDTH / 2 - middle.x) * straight, y: middle.y + (HEIGHT / 2 - middle.y) * straight };
    const label = { x: (middle.x + control.x) / 2, y: (middle.y + control.y) / 2 };
    return { path: `M${a.x.toFixed(1)} ${a.y.toFixed(1)}Q${control.x.toFixed(1)} ${control.y.toFixed(1)} ${b.x.toFixed(1)} ${b.y.toFixed(1)}`, label };
  };
  const width = (rate) => (rate > 0 ? 1.5 + 2.2 * Math.log10(1 + rate) : 1);
  const lines = [...pairs].reverse().map((pair) => ({ ...pair, ...curve(pair) }));
  const drawn = lines.flatMap((pair) => (pair.rate >= 0.5 ? [pair, { ...pair, key: `${pair.key} flow`, flow: true }] : [pair]));
  keyed(at("edges"), drawn, (pair) => pair.key, () => element("path"), (path, pair) => {
    path.setAttribute("d", pair.path);
    path.ends = [pair.one.id, pair.other.id];
    path.classList.toggle("active", pair.rate > 0);
    path.classList.toggle("flow", pair.flow === true);
    path.style.strokeWidth = pair.flow ? Math.min(4, width(pair.rate) * 0.7) : width(pair.rate);
    if (pair.flow) path.style.animationDuration = `${(2.4 / (1 + Math.log10(1 + pair.rate))).toFixed(1)}s`;
  });
  const told = lines.filter((pair) => pair.rate >= 0.5).slice(-7);
  keyed(at("labels"), told, (pair) => pair.key, () => element("text"), (text, pair) => {
    text.setAttribute("x", pair.label.x.toFixed(1));
    text.setAttribute("y", (pair.label.y + 4).toFixed(1));
    text.ends = [pair.one.id, pair.other.id];
    text.textContent = `${rateText(pair.rate)}/s`;
  });
  keyed(at("nodes"), now.tasks, (task) => task.id, makeNode, (node, task) => {
    const { x, y } = where.get(task.id);
    node.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    node.classList.toggle("busy", task.rate >= 0.5);
    const [circle, text, title] = node.children;
    const radius = 7 + 3 * Math.log10(1 + task.rate);
    circle.style.r = `${radius.toFixed(1)}px`;
    text.setAttribute("y", (-radius - 7).toFixed(1));
    text.textContent = task.name || task.id;
    title.textContent = `${task.name}, task ${task.id}: ${task.state}, ${rateText(task.rate)} messages a second`;
  });
  keyed(at("pairs"), pairs, (pair) => pair.key, () => element("tr", {}, element("td"), element("td", { class: "number" }), element("td", { class: "number" })),
    (row, pair) => cells(row, [`${pair.one.name} – ${pair.other.name}`, rateText(pair.rate), pair.total.toLocaleString("en")]));
}

let chosen = null;

function makeNode(task) {
  const node = element("g", { class: "node", tabindex: "0" }, element("circle"), element("text"), element("title"));
  const choose = (id) => () => { chosen = id; highlight(); };
  for (const event of ["mouseenter", "focus"]) node.addEventListener(event, choose(task.id));
  for (const event of ["mouseleave", "blur"]) node.addEventListener(event, choose(null));
  node.task = task.id;
  return node;
}

// Shows only the chosen task and whom it talks to.
function highlight() {
  const near = new Set([chosen]);
  for (const line of [...at("edges").children, ...at("labels").children]) {
    const touches = line.ends.includes(chosen);
    line.classList.toggle("near", touches);
    if (touches) line.ends.forEach((id) => near.add(id));
  }
  for (const node of at("nodes").children) node.classList.toggle("near", near.has(node.task));
  at("graph").classList.toggle("chosen", chosen !== null);
}

function showMemory(memory) {
  if (!memory) return;
  const known = memory.tasks + memory.tables + memory.shared + memory.vm + memory.free;
  const kinds = [["programs", memory.tasks], ["page tables", memory.tables], ["shared", memory.shared], ["vm", memory.vm],
    ["kernel, image", Math.max(0, memory.total - known)], ["free", memory.free]];
  at("memory-free").textContent = `${bytes(memory.free)} of ${bytes(memory.total)} free`;
  keyed(at("memory-bar"), kinds, ([name]) => name, ([name]) => element("i", { class: `k${kinds.findIndex((kind) => kind[0] === name)}` }),
    (part, [, size]) => { part.style.width = `${(100 * size) / memory.total}%`; });
  keyed(at("memory-legend"), kinds, ([name]) => name, ([name]) =>
    element("li", {}, element("i", { class: `k${kinds.findIndex((kind) => kind[0] === name)}` }), `${name} `, element("b")),
    (row, [, size]) => { row.lastElementChild.textContent = bytes(size); });
}

function showNetwork(now) {
  const peak = Math.max(1024, ...samples.flatMap((sample) => [sample.received, sample.sent]));
  for (const name of ["received", "sent"]) {
    const points = samples.map((sample, index) =>
      `${(300 - ((samples.length - 1 - index) * 300) / (SAMPLES - 1)).toFixed(1)} ${(86 - (sample[name] / peak) * 80).toFixed(1)}`);
    at(`${name}-line`).setAttribute("d", points.length ? `M${points.join("L")}` : "");
    const start = (300 - ((samples.length - 1) * 300) / (SAMPLES - 1)).toFixed(1);
    at(`${name}-area`).setAttribute("d", points.length ? `M${start} 90L${points.join("L")}L300 90Z` : "");
    at(`${name}-now`).textContent = samples.length ? `${bytes(samples.at(-1)[name])}/s` : "–";
  }
  at("network-peak").textContent = samples.length ? `up to ${bytes(peak)}/s in a minute` : "";
  keyed(at("interfaces"), now.interfaces, (item) => item.name, () => element("li", {}, element("b"), element("span")), (row, item) => {
    row.children[0].textContent = item.name;
    const addresses = item.addresses.map((a) => `${a.address}/${a.prefix}`).join(", ");
    row.children[1].textContent = ` ${item.up ? addresses || "no address yet" : "down"}${item.dropped ? `, ${item.dropped} dropped` : ""}`;
  });
}

const STATES = { ready: "good", running: "good", faulted: "bad", parked: "bad", dying: "bad", exited: "bad", waiting: "warn", starting: "warn" };

function setState(cell, state) {
  cell.firstElementChild.textContent = state;
  cell.firstElementChild.className = `state ${STATES[state] ?? ""}`;
}

function makeTask(task) {
  const row = element("tr", task.fresh ? { class: "fresh" } : {});
  for (const kind of ["number wide soft", "name", "", "middle soft", "number wide", "number", "number middle", "cpu"])
    row.append(element("td", { class: kind }));
  row.cells[2].append(element("span", { class: "state" }));
  row.cells[7].append(element("meter", { max: "1" }));
  return row;
}

function showTasks(now) {
  const names = new Map(now.tasks.map((task) => [task.id, task.name]));
  const waits = (task) => (task.waits_for ? names.get(task.waits_for) ?? task.waits_for : task.state === "receiving" ? "anyone" : "–");
  keyed(at("tasks"), now.tasks, (task) => task.id, makeTask, (row, task) => {
    const texts = [task.id, task.name, null, waits(task), String(task.priority), rateText(task.rate), seconds(task.time)];
    texts.forEach((text, index) => { if (text !== null && row.cells[index].textContent !== text) row.cells[index].textContent = text; });
    setState(row.cells[2], task.state);
    const meter = row.cells[7].firstElementChild, percent = `${(task.share * 100).toFixed(1)} %`;
    meter.value = task.share;
    meter.title = percent;
    meter.textContent = percent;
  });
}

const CLASSES = { "01": "storage", "02": "network", "03": "display", "04": "multimedia", "06": "bridge", "07": "communication", "08": "system", "0c": "bus" };

function makeDevice(device) {
  const row = element("tr");
  for (const kind of ["name", "wide soft", "soft", "", "number middle", "number"]) row.append(element("td", { class: kind }));
  row.cells[3].append(element("span", { class: "state" }));
  const button = element("button", { type: "button", "aria-label": `Restart the driver of ${device.name}` }, "Restart");
  button.addEventListener("click", () => restart(device.name, button));
  row.cells[5].append(button);
  return row;
}

function showDevices(devices) {
  keyed(at("devices"), devices, (device) => device.place, makeDevice, (row, device) => {
    const kind = CLASSES[device.class.slice(0, 2)] ?? "device";
    cells(row, [device.name || `${device.vendor}:${device.device}`, device.place, device.driver ?? kind]);
    row.title = `${kind}, PCI ${device.vendor}:${device.device}, IRQ ${device.irq}${device.messages ? " (message-signalled)" : ""}`;
    setState(row.cells[3], device.state);
    row.cells[4].textContent = device.driver ? device.starts : "";
    row.cells[5].firstElementChild.hidden = !device.driver;
  });
}

// The log without escape sequences and control characters; a backspace takes back a character.
function plain(text) {
  const shown = text.replace(/\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b\[[\x20-\x3f]*[\x40-\x7e]?|\x1b./g, "");
  const kept = [];
  for (const character of shown) {
    if (character === "\b") { if (kept.length && kept.at(-1) !== "\n") kept.pop(); }
    else if (character === "\n" || character === "\t" || character >= " ") kept.push(character);
  }
  return kept.join("");
}

function showLog(log) {
  logNext = log.next;
  if (!log.text) return;
  logText = (logText + log.text).slice(-LOG_KEPT);
  const view = at("log"), follows = view.scrollHeight - view.scrollTop - view.clientHeight < 24;
  view.textContent = plain(logText);
  if (follows) view.scrollTop = view.scrollHeight;
}

// ---- Restarting drivers ------------------------------------------------------------------------------------------------

// A token in the address is taken out of it, so that it is not left in sight and in the history.
function takeToken() {
  const given = /(?:^#|&)token=([0-9a-f]{32})(?:&|$)/.exec(location.hash);
  if (!given) return;
  sessionStorage.setItem("token", given[1]);
  window.history.replaceState(null, "", location.pathname);
}

function askForToken() {
  const dialog = at("ask");
  at("token").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const token = dialog.returnValue === "ok" ? at("token").value.trim() : null;
      if (token) sessionStorage.setItem("token", token);
      resolve(token);
    }, { once: true });
  });
}

async function restart(device, button) {
  const token = sessionStorage.getItem("token") ?? (await askForToken());
  if (!token) return;
  const say = (text) => { at("restarted").textContent = text; };
  button.disabled = true;
  say(`Restarting the driver of ${device} …`);
  try {
    const reply = await fetch("/api/restart", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify({ device }),
    });
    const answer = await reply.json();
    if (reply.status === 401) sessionStorage.removeItem("token");
    say(reply.ok ? `The driver of ${device} was restarted.` : answer.error);
  } catch {
    say("No answer came: the list above shows whether the driver was restarted.");
  }
  button.disabled = false;
}

// ---- The clockwork -----------------------------------------------------------------------------------------------------

let timer = null, asking = false;

function setStatus(name, text) {
  document.body.className = name;
  at("status-text").textContent = text;
  at("lost").hidden = name !== "lost";
}

async function refresh() {
  timer = null;
  if (document.hidden || asking) return;
  asking = true;
  try {
    const reply = await fetch(`/api/live?from=${logNext}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (!reply.ok) throw new Error(reply.statusText);
    const now = await reply.json();
    const pairs = compare(now) ?? compare(now);
    showFigures(now, pairs);
    showGraph(now, pairs);
    showMemory(now.memory);
    showNetwork(now);
    showTasks(now);
    showDevices(now.devices);
    showLog(now.log);
    before = now;
    setStatus("live", "live");
  } catch {
    setStatus("lost", "no answer");
  }
  asking = false;
  if (!document.hidden) timer = setTimeout(refresh, PERIOD);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.hidden) setStatus("paused", "paused"); else refresh();
});
at("ask-cancel").addEventListener("click", () => at("ask").close());
addEventListener("hashchange", takeToken);
takeToken();
refresh();
