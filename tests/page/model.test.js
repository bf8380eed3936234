// The rules of the page, without a browser.

const assert = require("node:assert/strict");
const { join } = require("node:path");
const { test } = require("node:test");
const { shown, mood, leaseOf, sentence, line, bars, handedOver, isPassedOn } = require(join(__dirname, "../../src/operations/page/model.js"));

const service = (id, condition, state, failure) => ({ id, condition, state, failure, resources: [] });

test("durations are shown as people read them", () => {
  assert.deepEqual([5, 999, 3100, 61_000, 3_660_000, 200_000_000].map(shown), ["5 ms", "999 ms", "3.1 s", "1 min 1 s", "1 h 1 min", "2 days 7 h"]);
});

test("what a service has come to is good, busy, bad or idle", () => {
  const moods = { running: "good", ready: "good", waiting: "idle", setting_up: "busy", failed: "bad", retrying_setup: "warn", up: "good", "what a newer manager says": "busy" };
  for (const [condition, wanted] of Object.entries(moods)) assert.equal(mood({ condition }), wanted, condition);
});

test("who stands by is counted as up, and as standing by", () => {
  const running = { stage: "running", services: [service("a", "running", "running for 1.0 s"), service("b", "standby", "standing by until the lease \"b\" is free")] };
  assert.equal(sentence(running, null, [], 5000), "Running, 2 of 2 up, 1 of them standing by");
  assert.equal(sentence({ ...running, stage: "setting up" }, null, [], 5000), "Starting for 5.0 s: 2 of 2 set up");
});

test("of a lease is told who has it, since when and until when, and how often that has changed", () => {
  const lease = { name: "nightly", condition: "held", holder: "a/1/x", since_ms: 1000, until_ms: 18_000, epoch: 3, acquired: 2, lost: 1, stepped_down: 0, stays_out_until_ms: null };
  assert.deepEqual(leaseOf(lease, 5000), { name: "lease nightly", state: "held", mood: "good", more: "epoch 3, for 4.0 s, to be renewed within 13.0 s, acquired 2 times, lost once" });
  assert.deepEqual(leaseOf({ ...lease, error: "no route" }, 20_000).mood, "warn");
  assert.match(leaseOf({ ...lease, error: "no route" }, 20_000).more, /within 0 ms.*its store fails: no route$/);
  const standby = { ...lease, condition: "standby", holder: "b/2/y", since_ms: null, epoch: null, acquired: 0, lost: 0 };
  assert.deepEqual(leaseOf(standby, 5000), { name: "lease nightly", state: "asked for", mood: "idle", more: "b/2/y has it, for 13.0 s unless it renews it" });
  const out = { ...standby, condition: "staying_out", holder: undefined, until_ms: null, acquired: 1, stepped_down: 1, stays_out_until_ms: 35_000 };
  assert.deepEqual(leaseOf(out, 5000), { name: "lease nightly", state: "given away", mood: "idle", more: "asked for again in 30.0 s, given away once" });
  assert.equal(leaseOf({ ...lease, condition: "new" }, 0).state, "new");
});

test("the sentence says who is waited for and when it is forced", () => {
  const stopping = {
    stage: "stopping", services: [service("mailer", "running", "running for 9.0 s")],
    report: { asked_at_ms: 1000, services: [{ id: "mailer", run: { asked_at_ms: 10, answered_at_ms: null, outcome: null }, resources: [] }] },
  };
  assert.equal(sentence(stopping, { services_until_ms: 10_000 }, [], 4100), "Stopping for 3.1 s: waiting for mailer (run); forced in 6.9 s");
  const patient = { id: "database", run: { asked_at_ms: 5, answered_at_ms: null, outcome: null }, resources: [] };
  const asked = { ...stopping.report.services[0], shutdown: { asked_at_ms: 1000, answered_at_ms: 1001, outcome: "ok" } };
  const both = { ...stopping, report: { asked_at_ms: 1000, services: [patient, asked] } };
  assert.match(sentence(both, {}, [], 4100), /waiting for mailer \(run\); nothing/, "who has not been asked is not waited for");
  const told = [{ event: "progress", at_ms: 2000, to_force_ms: 3000 }];
  assert.equal(sentence(stopping, { services_until_ms: 10_000 }, told, 4100), "Stopping for 3.1 s: waiting for mailer (run); forced in 900 ms");
  assert.equal(sentence(stopping, {}, [], 4100), "Stopping for 3.1 s: waiting for mailer (run); nothing forces them");
  const running = { stage: "running", services: [service("a", "running", "running for 1.0 s"), service("b", "failed", "run error: torn", "torn")] };
  assert.equal(sentence(running, null, [], 5000), "Running, 1 of 2 up: not b (run error)");
  const stuck = [{ event: "stall_started", service: "a", stall: "stuck", doing: "run", lasted_ms: 1000 }];
  assert.equal(sentence({ ...running, services: running.services.slice(0, 1) }, null, stuck, 5000), "Running, 1 of 1 up; a does not get on");
});

test("an event is a line with whom, how and why", () => {
  assert.equal(line({ at_ms: 1, event: "setup_finished", service: "db", took_ms: 1500, outcome: "error", error: "no route" }), "setup_finished db: error after 1.5 s: no route");
  assert.equal(line({ at_ms: 1, event: "setup_retried", service: "db", retry: 2, delay_ms: 100 }), "setup_retried db (retry 2, delay 100 ms)");
});

test("of a hand-over is told which process this is, who comes up, and what went wrong", () => {
  assert.equal(handedOver(undefined), "");
  assert.equal(handedOver({ generation: 1, in_charge: true }), "Number 1 in a row");
  const second = { generation: 2, predecessor: 7, in_charge: true };
  assert.equal(handedOver({ ...second, in_charge: false }), "Number 2 in a row, after process 7, not yet in charge");
  assert.equal(handedOver({ ...second, successor: { pid: null } }), "Number 2 in a row, after process 7; its successor, comes up");
  assert.equal(handedOver({ ...second, successor: { pid: 9, doing: "database (setup, 3.2 s)" } }), "Number 2 in a row, after process 7; its successor, process 9, comes up: database (setup, 3.2 s)");
  assert.equal(handedOver({ ...second, in_charge: false, successor: { pid: 9, doing: "all" } }), "Number 2 in a row, after process 7; its successor, process 9, is in charge");
  assert.equal(handedOver({ ...second, failure: "no such table" }), "Number 2 in a row, after process 7; the latest hand-over came to nothing: no such table");
  assert.equal(line({ at_ms: 1, event: "sockets_closed", addresses: ["a:1", "b:2"] }), "sockets_closed (addresses a:1 b:2)");
  assert.equal(line({ at_ms: 1, event: "handover_finished", outcome: "failed", took_ms: 5, error: "it ended" }), "handover_finished: failed after 5 ms: it ended");
  const ends = (outcome) => [{ event: "handover_finished", outcome }];
  assert.deepEqual([isPassedOn([]), isPassedOn(ends("failed")), isPassedOn(ends("passed"))], [false, false, true]);
});

test("of many bars the longest are kept, and the longest is marked", () => {
  const of = (id, took) => ({ id, setup: { asked_at_ms: 0, answered_at_ms: took, took_ms: took, outcome: "ok" }, resources: [] });
  const [setUp] = bars({ report: { services: [of("a", 1), of("b", 5), of("c", 3)] } }, 10, 2);
  assert.deepEqual(setUp.bars.map(({ name, longest }) => [name, longest]), [["c set-up", false], ["b set-up", true]]);
  assert.equal(setUp.left, 1);
});

test("a main loop that goes on after it was asked to end has a bar of the stop: while it does, when it has ended, and when it was forced", () => {
  const shutdown = { asked_at_ms: 51, answered_at_ms: 52, took_ms: 0, outcome: "ok" };
  const shown = (run) => bars({ report: { services: [{ id: "stuck", run: { asked_at_ms: 5, ...run }, shutdown, resources: [] }] } }, 300, 9)[0].bars.at(-1);
  assert.deepEqual(shown({}), { name: "stuck run", begin: 51, end: 300, open: true, bad: false, longest: true });
  assert.deepEqual(shown({ answered_at_ms: 90, took_ms: 85, outcome: "ok" }), { name: "stuck run", begin: 51, end: 90, open: false, bad: false, longest: true });
  assert.deepEqual(shown({ answered_at_ms: null, took_ms: 497, outcome: "forced", why: "forced" }), { name: "stuck run", begin: 51, end: 502, open: false, bad: true, longest: true });
  assert.equal(shown({ answered_at_ms: 40, took_ms: 35, outcome: "ok" }).name, "stuck shutdown");
});
