// Shows what the model says. All text goes in as text: nothing that a service is called or says is ever HTML.

const KEPT = 500; // events
const LISTED = 200; // of these
const BARS = 60;
const GRAPH = 150; // services that are drawn at once
const FRAME = 250; // ms
const PAUSE = 200; // ms between two questions for the status, at least
const at = (id) => document.getElementById(id);
const known = { status: null, plan: null, report: null, reported: null, events: [], asked: 0, offset: 0, lost: null, over: false, token: null, chosen: "" };

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Writes only what has changed: a page of a thousand services is not laid out anew for each event.
function say(element, text, mood) {
  if (element.said !== text) element.textContent = element.said = text;
  if (mood !== undefined && element.dataset.mood !== mood) {
    if (element.dataset.mood) element.classList.remove(element.dataset.mood);
    if (mood) element.classList.add(mood);
    element.dataset.mood = mood;
  }
}

const now = () => performance.now() + known.offset;

// ---- asking

let asking = false, again = false;
async function ask() {
  if (asking) { again = true; return; }
  asking = true;
  const began = performance.now();
  try {
    if (!known.plan) known.plan = await (await fetch("/plan", { headers: { accept: "application/json" } })).json();
    const answer = await fetch("/status", { headers: { accept: "application/json" } });
    if (answer.ok) {
      const status = await answer.json();
      // Once all run, what was set up, and when, changes no more.
      if (!known.report || known.reported !== status.stage || status.stage !== "running") {
        known.report = status.report ?? (await (await fetch("/report", { headers: { accept: "application/json" } })).json());
        known.reported = status.stage;
      }
      // An answer that was on its way when the end was told is of before that.
      known.status = { ...status, report: known.report, ...(known.over ? { stage: "stopped" } : {}) };
      known.offset = known.status.up_ms - performance.now();
      known.asked = performance.now();
      show();
    }
  } catch { /* The stream of events tells when nobody is there. */ }
  const took = performance.now() - began;
  setTimeout(() => { asking = false; if (again) { again = false; ask(); } }, Math.max(PAUSE, 3 * took));
}

function follow() {
  const stream = new EventSource("/events");
  stream.onopen = () => { known.events = []; known.lost = null; tellLink(); ask(); };
  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    known.events.push(event);
    if (known.events.length > KEPT) known.events.splice(0, known.events.length - KEPT);
    if (event.event === "stopped" && isPassedOn(known.events)) {
      // Another process answers here: all is asked anew.
      stream.close();
      [known.plan, known.report] = [null, null];
      setTimeout(follow);
      return;
    }
    if (event.event === "stopped") {
      known.over = true;
      if (known.status) known.status.stage = "stopped";
      stream.close();
      show();
      return;
    }
    requestEvents();
    ask();
  };
  stream.onerror = () => {
    if (known.over) return;
    known.lost ??= Date.now();
    tellLink();
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 1000);
  };
}

function tellLink() {
  const lost = known.lost != null;
  at("link").hidden = !lost;
  say(at("link"), lost ? `The connection was lost ${shown(Date.now() - known.lost)} ago. This is what was last known.` : "");
}

// ---- showing

// What has changed is shown after a pause: four times as long as the last took with its painting, so that a page of a thousand rows takes
// no more than a fifth of its thread.
let pause = FRAME, due = false, wanted = { all: false };
function request(all) {
  wanted.all ||= all;
  if (due) return;
  due = true;
  setTimeout(() => {
    const began = performance.now(), { all } = wanted;
    [due, wanted] = [false, { all: false }];
    if (all && known.status) {
      showState();
      showServices();
      showCalls();
      showGraph();
      showTimeline();
    }
    showEvents();
    requestAnimationFrame(() => setTimeout(() => { pause = Math.max(FRAME, 4 * (performance.now() - began)); }));
  }, pause);
}

const show = () => request(true);
const requestEvents = () => request(false);

function showState() {
  const { status, plan, events } = known;
  const text = sentence(status, plan, events, known.lost == null && !known.over ? now() : status.up_ms);
  say(at("sentence"), text);
  // Who listens is told what changes, not how time goes on.
  say(at("said"), text.replace(/\d+(\.\d+)? (ms|s|min|h|days)/g, "").replace(/ (for|in)( +)?(?=[:;,]|$)/g, ""));
  document.title = `${text} - Majordomo`;
  const servers = status.services.flatMap(({ id, addresses = [] }) => addresses.map((address) => `${id} at ${address}`));
  const grpc = (status.grpc_addresses ?? []).map((address) => `gRPC at ${address}`);
  const since = known.over ? [] : [`up ${shown(now())}`];
  const handover = handedOver(status.handover);
  at("handover").hidden = !handover;
  say(at("handover"), handover, status.handover?.failure ? "warn" : "");
  say(at("facts"), [...since, ...grpc, ...servers].join(" \u00b7 "));
}

const rows = new Map();
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) target.row.seen = isIntersecting;
});
function showServices() {
  const { status, events } = known;
  const table = at("services"), wanted = at("filter").value.trim().toLowerCase();
  const stalls = Map.groupBy ? Map.groupBy(stallsOf(events), (stall) => stall.service) : new Map();
  const seen = new Set();
  for (const service of status.services) {
    seen.add(service.id);
    let row = rows.get(service.id);
    if (!row) rows.set(service.id, (row = makeRow(service.id, table)));
    fillRow(row, service, stalls.get(service.id) ?? []);
    const shownIt = !wanted || `${service.id} ${service.state}`.toLowerCase().includes(wanted);
    for (const element of [row.line, ...row.resources.map(({ line }) => line)]) if (element.hidden === shownIt) element.hidden = !shownIt;
  }
  for (const [id, row] of rows) {
    if (seen.has(id)) continue;
    sight.unobserve(row.line);
    for (const element of [row.line, ...row.resources.map(({ line }) => line)]) element.remove();
    rows.delete(id);
  }
  fillChoice(status.services);
}

const COLUMNS = ["State", "Since", "Restarts left", "Last failure, stalls", "Calls"];
function makeRow(id, table) {
  const cells = COLUMNS.map((name) => make("td", { "data-name": name }));
  const orders = ["restart", "stop"].map((order) => {
    const button = make("button", { "aria-label": `${order} ${id}` }, order);
    button.onclick = () => give(`${order}/${encodeURIComponent(id)}`, `${order[0].toUpperCase()}${order.slice(1)} ${id}?`);
    return button;
  });
  const line = make("tr", {}, make("th", { scope: "row" }, id), ...cells, make("td", { class: "orders" }, ...orders));
  table.append(line);
  const row = { line, cells, resources: [], seen: false };
  line.row = row;
  sight.observe(line);
  return row;
}

function fillRow(row, service, stalls) {
  const [state, since, left, failure, calls] = row.cells;
  say(state, service.state.replace(LASTED, ""), mood(service));
  // Time goes on for those alone that can be seen.
  if (row.seen || since.said === undefined) say(since, service.since_ms == null ? "" : shown(Math.max(0, now() - service.since_ms)));
  const { restart, setup_retry: retry } = service;
  const restarts = restart && !/^not /.test(restart.policy) ? `${restart.left ?? "any number"}${restart.resets_at_ms != null ? `, all back in ${shown(Math.max(0, restart.resets_at_ms - now()))}` : ""}` : "";
  say(left, retry ? `${restarts}${restarts ? "; " : ""}set-ups: ${retry.left ?? "any number"}` : restarts);
  const told = [...stalls.map((stall) => `${stallText(stall)} for ${shown(Math.max(stall.lasted_ms, now() - stall.at_ms + stall.lasted_ms))}`)];
  if (restart?.last_failure) told.push(restart.last_failure);
  say(failure, told.join("; "), stalls.length ? "bad" : "");
  say(calls, service.http ? inFlight(service.http) : "");
  const parts = service.resources.map((resource) => ({ name: resource.name, state: resource.state.replace(LASTED, ""), mood: mood(resource), more: "" }));
  if (service.lease) parts.unshift(leaseOf(service.lease, now()));
  parts.forEach((part, index) => {
    let own = row.resources[index];
    if (!own) {
      const cells = [make("td", { "data-name": "State" }), make("td", { colspan: "5" })];
      const name = make("th", { scope: "row" });
      own = { line: make("tr", { class: "resource" }, name, ...cells), name, cells };
      (row.resources.at(-1)?.line ?? row.line).after(own.line);
      row.resources.push(own);
    }
    say(own.name, part.name);
    say(own.cells[0], part.state, part.mood);
    if (row.seen || own.cells[1].said === undefined) say(own.cells[1], part.more);
  });
  for (const gone of row.resources.splice(parts.length)) gone.line.remove();
}

function inFlight({ connections, calls, oldest, shed }) {
  const open = Object.values(calls).reduce((sum, count) => sum + count, 0);
  const age = oldest ? `, the oldest ${oldest.method} for ${shown(oldest.age_ms ?? 0)}` : "";
  return `${open} open on ${connections} connections${age}${shed ? `; ${shed} shed` : ""}`;
}

function showCalls() {
  const { grpc, services } = known.status;
  const all = [...(grpc ? [["gRPC", grpc]] : []), ...services.filter(({ http }) => http).map(({ id, http }) => [id, http])];
  const lines = all.map(([name, carried]) => `${name}: ${inFlight(carried)}`);
  const age = performance.now() - known.asked;
  const when = age > 1500 ? ` (${shown(age)} ago)` : "";
  say(at("calls"), lines.length ? `${lines.join("; ")}${when}` : "There is no server.");
}

function fillChoice(services) {
  const choice = at("of");
  if (choice.options.length === services.length + 1) return;
  choice.replaceChildren(make("option", { value: "" }, "all services"), ...services.map(({ id }) => make("option", { value: id }, id)));
  choice.value = known.chosen;
}

function choose(id) {
  known.chosen = known.chosen === id ? "" : id;
  at("of").value = known.chosen;
  showEvents();
  showGraph();
}

let drawn = "";
function showGraph() {
  const { status, plan, chosen } = known;
  const needs = new Map(status.services.map(({ id, depends_on = [] }) => [id, depends_on]));
  let ids = status.services.map(({ id }) => id);
  const many = ids.length > GRAPH;
  if (many) {
    const near = (id) => id === chosen || needs.get(chosen)?.includes(id) || needs.get(id)?.includes(chosen);
    ids = chosen ? ids.filter(near).slice(0, GRAPH) : [];
  }
  say(at("graph-note"), many ? (chosen ? `${chosen}, what it needs, and who needs it.` : `${status.services.length} services are too many to be drawn: choose one below, at the events.`) : "From left to right: who starts first. A click shows the events of one.");
  const state = new Map(status.services.map((service) => [service.id, mood(service)]));
  const sign = JSON.stringify([ids.map((id) => [id, needs.get(id), state.get(id)]), chosen]);
  if (sign === drawn) return;
  drawn = sign;
  const turns = new Map((plan?.services ?? []).map(({ id, start_turn }) => [id, start_turn]));
  const columns = [], place = new Map();
  for (const id of ids) {
    const column = (columns[turns.get(id) ?? 0] ??= []);
    place.set(id, { x: 10 + (turns.get(id) ?? 0) * 210, y: 10 + column.length * 40 });
    column.push(id);
  }
  const tall = Math.max(1, ...columns.map((column) => column?.length ?? 0)) * 40 + 10, wide = Math.max(1, columns.length) * 210;
  const svg = draw("svg", { width: wide, height: tall, role: "group", "aria-labelledby": "graph-title" });
  for (const id of ids) for (const on of needs.get(id)) {
    const from = place.get(on), to = place.get(id);
    if (from && to) svg.append(draw("path", { d: `M${from.x + 160} ${from.y + 14} C${from.x + 190} ${from.y + 14} ${to.x - 30} ${to.y + 14} ${to.x} ${to.y + 14}` }));
  }
  for (const id of ids) {
    const { x, y } = place.get(id), name = id.length > 20 ? `${id.slice(0, 19)}\u2026` : id;
    const needed = needs.get(id);
    const label = `${id}, ${status.services.find((service) => service.id === id).state.replace(LASTED, "")}${needed.length ? `, needs ${needed.join(", ")}` : ""}`;
    const box = draw("g", { class: state.get(id), tabindex: "0", role: "button", "aria-pressed": String(chosen === id), "aria-label": label, "data-id": id, transform: `translate(${x} ${y})` },
      draw("rect", { width: 160, height: 28, rx: 5, ...(chosen === id ? { "stroke-width": 3 } : {}) }), draw("text", { x: 8, y: 19 }, name));
    box.addEventListener("click", () => choose(id));
    box.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(id); } });
    svg.append(box);
  }
  const focused = document.activeElement?.getAttribute?.("data-id");
  at("graph").replaceChildren(ids.length ? svg : "");
  if (focused) at("graph").querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

function showTimeline() {
  const parts = bars(known.status, known.over || known.lost != null ? known.status.up_ms : now(), BARS).map(({ title, begin, end, left, bars }) => {
    const scale = (ms) => `${(100 * (ms - begin)) / (end - begin)}%`;
    const lines = bars.flatMap((bar) => {
      const span = make("span", { class: `span ${bar.bad ? "bad" : bar.open ? "busy" : "good"}` });
      span.style.left = scale(bar.begin);
      span.style.width = `calc(${scale(bar.end)} - ${scale(bar.begin)})`;
      const took = `${shown(bar.end - bar.begin)}${bar.open ? " so far" : ""}${bar.longest ? ", the longest" : ""}`;
      return [make("span", { class: bar.longest ? "longest" : "" }, `${bar.name}: ${took}`), make("span", { class: "track" }, span)];
    });
    const more = left ? [make("span", { class: "dim" }, `and ${left} shorter ones`), make("span")] : [];
    return make("div", { class: "steps" }, make("h3", {}, `${title}: ${shown(end - begin)}`), ...lines, ...more);
  });
  at("timeline").replaceChildren(...(parts.length ? parts : [make("p", { class: "dim" }, "Nothing has begun.")]));
}

const listed = { chosen: null, last: null };
function showEvents() {
  const { events, chosen } = known;
  const of = (all) => all.filter((event) => !chosen || event.service === chosen);
  const from = listed.chosen === chosen ? events.lastIndexOf(listed.last) : -1;
  const list = at("events");
  // Only what is new, unless another service was chosen, or the connection is another.
  if (from < 0) list.replaceChildren();
  list.prepend(...of(events.slice(from + 1)).slice(-LISTED).reverse().map((event) => make("li", { class: moodOfEvent(event) }, `${(event.at_ms / 1000).toFixed(3)} s  ${line(event)}`)));
  while (list.children.length > LISTED) list.lastChild.remove();
  [listed.chosen, listed.last] = [chosen, events.at(-1) ?? null];
}

// ---- orders

async function give(order, question) {
  const dialog = at("sure");
  say(at("question"), question);
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  if (dialog.returnValue !== "yes") return;
  say(at("answer"), `${order} ..`, "");
  try {
    const answer = await fetch(`/orders/${order}`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${known.token}` }, body: "{}" });
    const { ok, error, hint } = await answer.json();
    say(at("answer"), ok ? `${order}: done` : `${order}: ${error}${hint ? `: ${hint}` : ""}`, ok ? "good" : "bad");
  } catch {
    say(at("answer"), `${order}: nobody answered`, "bad");
  }
  ask();
}

at("right").addEventListener("submit", (event) => {
  event.preventDefault();
  // It is kept nowhere else: who loads the page anew is asked anew.
  known.token = at("token").value.trim() || null;
  at("token").value = "";
  at("token").placeholder = known.token ? "in use" : "for orders";
  document.body.classList.toggle("may-order", known.token != null);
  at("orders").hidden = known.token == null;
});
for (const button of document.querySelectorAll("[data-order]")) {
  button.onclick = () => give(button.dataset.order, button.dataset.order === "force" ? "Force the end of all services now? What they hold is not given back in order." : "Shut down the whole program?");
}
at("filter").addEventListener("input", show);
at("refresh").addEventListener("click", ask);
at("of").addEventListener("change", () => { known.chosen = at("of").value; showEvents(); showGraph(); });

// Durations go on between two answers. Nothing is asked for that.
setInterval(() => {
  tellLink();
  // What is about to be shown is shown at once with all that belongs to it.
  if (due || document.hidden || !known.status || known.over) return;
  showState();
  if (known.lost == null) { showServices(); showCalls(); if (known.status.stage !== "running") showTimeline(); }
}, 500);
follow();
