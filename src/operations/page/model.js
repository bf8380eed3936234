// What the page knows, and what that means: functions of a status, a plan and events. Nothing here touches the page.

// A duration as people read it.
function shown(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(1)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(s % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

// How what a service or a resource has come to is to be taken: good, busy, warn, bad or idle.
const MOODS = {
  waiting: "idle", stopped: "idle", cancelled: "idle", released: "idle",
  running: "good", ready: "good", standby: "idle", finished: "good", up: "good",
  retrying_setup: "warn", failed: "bad",
};

function mood(one) {
  return MOODS[one.condition] ?? "busy";
}

// States say how long they have lasted, which the page counts on by itself.
const LASTED = / for \d+(\.\d+)? ?(ms|s|min|h)( \d+ (s|min|h))?$/;

// Who stands by lacks nothing: another replica has its lease.
function isUp(service) {
  return mood(service) === "good" || service.condition === "standby";
}

// What is told of a lease: who has it, since when and until when, and how often that has changed.
const LEASES = {
  free: ["not asked for", "idle"], standby: ["asked for", "idle"], held: ["held", "good"], ending: ["lost", "bad"],
  returning: ["being given back", "busy"], staying_out: ["given away", "idle"], lapsing: ["not given back", "bad"],
};

function leaseOf({ name, condition, holder, since_ms, until_ms, epoch, acquired, lost, stepped_down, stays_out_until_ms, error }, now) {
  const [state, feel] = LEASES[condition] ?? [condition, "busy"];
  const had = ["held", "ending", "lapsing"].includes(condition);
  const left = until_ms == null ? null : shown(Math.max(0, until_ms - now));
  const told = [];
  if (had && epoch != null) told.push(`epoch ${epoch}`);
  if (had && since_ms != null) told.push(`for ${shown(Math.max(0, now - since_ms))}`);
  if (had && left) told.push(`to be renewed within ${left}`);
  if (!had && holder) told.push(`${holder} has it${left ? `, for ${left} unless it renews it` : ""}`);
  if (stays_out_until_ms != null) told.push(`asked for again in ${shown(Math.max(0, stays_out_until_ms - now))}`);
  for (const [what, count, usual] of [["acquired", acquired, 1], ["lost", lost, 0], ["given away", stepped_down, 0]]) {
    if (count > usual) told.push(`${what} ${count === 1 ? "once" : `${count} times`}`);
  }
  if (error) told.push(`its store fails: ${error}`);
  return { name: `lease ${name}`, state, mood: error && feel !== "bad" ? "warn" : feel, more: told.join(", ") };
}

// The stalls that are open, by the service that each is of.
function stallsOf(events) {
  const open = new Map();
  for (const event of events) {
    if (event.event !== "stall_started" && event.event !== "stall_finished") continue;
    const key = JSON.stringify([event.service, event.resource, event.stall, event.by ?? event.on ?? event.method ?? event.doing]);
    if (event.event === "stall_started") open.set(key, event);
    else open.delete(key);
  }
  return [...open.values()];
}

function stallText(event) {
  const where = event.thread ? `, on ${event.thread}` : "";
  switch (event.stall) {
    case "stuck": return `stuck (${event.doing}${where})`;
    case "stuck_call": return `stuck (${event.method}${where})`;
    case "starved": return `starved by ${event.by}`;
    case "waiting": return `waiting on ${event.on}`;
    default: return event.stall;
  }
}

// When what still runs is forced, on the manager's clock; none without a limit.
function forcedAt(status, plan, events) {
  const asked = status.report?.asked_at_ms;
  if (asked == null) return null;
  const told = events.findLast((event) => event.event === "progress");
  if (told && told.at_ms >= asked && told.to_force_ms != null) return told.at_ms + told.to_force_ms;
  const limit = status.stage === "releasing" ? plan?.deadline_ms : plan?.services_until_ms;
  return limit == null ? null : asked + limit;
}

// Who still has something to do in a shutdown: a service and its step, or a resource that is being released.
function heldBy(status) {
  const held = [];
  for (const service of status.report?.services ?? []) {
    for (const step of ["register", "setup", "run", "shutdown"]) {
      const of = service[step];
      if (of && of.answered_at_ms == null && of.outcome == null) held.push({ id: service.id, step, since: of.asked_at_ms });
    }
    for (const resource of service.resources) {
      if (resource.asked_at_ms != null && resource.ending == null) {
        held.push({ id: `${service.id}/${resource.name}`, step: "release", since: resource.asked_at_ms });
      }
    }
  }
  held.sort((a, b) => a.since - b.since);
  // One who has not been asked yet holds up nobody.
  const asked = held.filter(({ id, step }) => step !== "run" || status.report.services.find((service) => service.id === id).shutdown);
  return asked.length ? asked : held;
}

function few(names) {
  return names.length <= 3 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}

// The state in one sentence, at that time of the manager's clock.
function sentence(status, plan, events, now) {
  const services = status.services;
  const up = services.filter(isUp).length;
  const stalled = [...new Set(stallsOf(events).map((stall) => stall.service))];
  const stuck = stalled.length ? `; ${few(stalled)} ${stalled.length === 1 ? "does" : "do"} not get on` : "";
  switch (status.stage) {
    case "created":
      return "Not started yet";
    case "setting up": {
      const waits = services.filter((service) => !isUp(service) && mood(service) !== "idle").map((service) => `${service.id} (${plain(service)})`);
      return `Starting for ${shown(now)}: ${waits.length ? `waiting for ${few(waits)}` : `${up} of ${services.length} set up`}${stuck}`;
    }
    case "running": {
      const down = services.filter((service) => !isUp(service)).map((service) => `${service.id} (${plain(service)})`);
      const by = services.filter(({ condition }) => condition === "standby").length;
      const standby = by ? `, ${by} of them standing by` : "";
      return `Running, ${up} of ${services.length} up${standby}${down.length ? `: not ${few(down)}` : ""}${stuck}`;
    }
    case "stopping":
    case "releasing": {
      const asked = status.report?.asked_at_ms ?? now;
      const held = heldBy(status).map(({ id, step }) => `${id} (${step})`);
      const limit = forcedAt(status, plan, events);
      const force = limit == null ? "; nothing forces them" : `; forced in ${shown(Math.max(0, limit - now))}`;
      return `Stopping for ${shown(now - asked)}${held.length ? `: waiting for ${few(held)}${force}` : ""}${stuck}`;
    }
    default:
      return "Stopped";
  }
}

// Which process in a row this is, who comes up after it, and what the latest hand-over has come to; nothing where none are offered.
function handedOver(handover) {
  if (!handover) return "";
  const { generation, predecessor, in_charge: inCharge, successor, failure } = handover;
  const after = predecessor == null ? "" : `, after process ${predecessor}`;
  let now = inCharge ? "" : ", not yet in charge";
  if (successor) {
    const who = successor.pid == null ? "its successor" : `its successor, process ${successor.pid}`;
    const doing = successor.doing ? `: ${successor.doing}` : "";
    now = inCharge ? `; ${who}, comes up${doing}` : `; ${who}, is in charge`;
  }
  return `Number ${generation} in a row${after}${now}${failure ? `; the latest hand-over came to nothing: ${failure}` : ""}`;
}

// Whether another process serves here when this one has stopped.
function isPassedOn(events) {
  return events.some(({ event, outcome }) => event === "handover_finished" && outcome === "passed");
}

// A state without the reason in it, and without how long it has lasted.
function plain({ state, failure }) {
  const how = failure && state.endsWith(failure) ? state.slice(0, -failure.length) : state;
  const words = how.replace(LASTED, "").replace(/:.*$/s, "").replace(/ in \d.*$/, "");
  return words.length > 40 ? `${words.slice(0, 40)}..` : words;
}

// An event as one line, without its time.
function line(event) {
  const { at_ms, event: name, service, resource, outcome, error, took_ms, ...rest } = event;
  const whom = [service, resource].filter((part) => part != null).join("/");
  const more = Object.entries(rest).filter(([, value]) => value != null && (typeof value !== "object" || Array.isArray(value))).map(([key, value]) => `${key.replace(/_ms$/, "")} ${key.endsWith("_ms") ? shown(value) : Array.isArray(value) ? value.join(" ") : value}`);
  const how = outcome ? `: ${outcome}${took_ms != null ? ` after ${shown(took_ms)}` : ""}${error ? `: ${error}` : ""}` : error ? `: ${error}` : "";
  return `${name}${whom ? ` ${whom}` : ""}${how}${more.length ? ` (${more.join(", ")})` : ""}`;
}

function moodOfEvent(event) {
  if (event.cancelled) return "idle";
  if (event.error) return event.event === "handover_finished" || event.event === "lease_lost" || (event.event === "setup_finished" && event.outcome === "error") ? "warn" : "bad";
  if (/^(progress|stall_started|missed|setup_retried|restart_started|handover_refused|sockets_closed)$/.test(event.event)) return "warn";
  return /^(running|stopped|shutdown_requested|handover_started|successor_ready|took_over)$/.test(event.event) ? "busy" : "";
}

// When a step was over; null while it lasts. One that was forced has no answer.
function endOf(step) {
  return step.answered_at_ms ?? ((step.outcome ?? step.ending) == null ? null : step.asked_at_ms + (step.took_ms ?? 0));
}

// The bars of the timeline: what was set up, and what was stopped; the longest of each first to be kept where there are many.
function bars(status, now, most) {
  const setUp = [], stop = [];
  for (const service of status.report?.services ?? []) {
    const add = (to, name, step, begin = step?.asked_at_ms) => {
      if (begin == null) return;
      const end = endOf(step);
      to.push({ name, begin, end: end ?? now, open: end == null, bad: step.why != null || /^(error|panic|forced)/.test(step.outcome ?? step.ending ?? "") });
    };
    add(setUp, `${service.id} register`, service.register);
    add(setUp, `${service.id} set-up`, service.setup);
    add(stop, `${service.id} shutdown`, service.shutdown);
    const asked = service.shutdown?.asked_at_ms;
    // A main loop that goes on after it was asked to end.
    if (asked != null && service.run?.asked_at_ms != null && (endOf(service.run) ?? Infinity) > asked) add(stop, `${service.id} run`, service.run, asked);
    for (const resource of service.resources) add(stop, `${service.id}/${resource.name} release`, resource);
  }
  return [["Set-up", setUp], ["Stop", stop]].filter(([, all]) => all.length).map(([title, all]) => {
    const longest = Math.max(...all.map(({ begin, end }) => end - begin));
    const kept = all.length <= most ? all : [...all].sort((a, b) => b.end - b.begin - (a.end - a.begin)).slice(0, most);
    kept.sort((a, b) => a.begin - b.begin || a.end - b.end);
    const begin = Math.min(...all.map((bar) => bar.begin)), end = Math.max(...all.map((bar) => bar.end), begin + 1);
    return { title, begin, end, left: all.length - kept.length, bars: kept.map((bar) => ({ ...bar, longest: bar.end - bar.begin === longest })) };
  });
}

if (typeof module !== "undefined") module.exports = { shown, mood, leaseOf, sentence, stallsOf, heldBy, line, bars, plain, handedOver, isPassedOn };
