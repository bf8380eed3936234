// The rules of the page, without a browser.

const assert = require("node:assert/strict");
const { join } = require("node:path");
const { test } = require("node:test");
const { shown, mood, sentence, line, bars, handedOver, isPassedOn } = require(join(__dirname, "../../src/operations/page/model.js"));

const service = (id, condition, state, failure) => ({ id, condition, state, failure, resources: [] });

test("durations are shown as people read them", () => {
  assert.deepEqual([5, 999, 3100, 61_000, 3_660_000, 200_000_000].map(shown), ["5 ms", "999 ms", "3.1 s", "1 min 1 s", "1 h 1 min", "2 days 7 h"]);
});

test("what a service has come to is good, busy, bad or idle", () => {
  const moods = { running: "good", ready: "good", waiting: "idle", setting_up: "busy", failed: "bad", retrying_setup: "warn", up: "good", "what a newer manager says": "busy" };
  for (const [condition, wanted] of Object.entries(moods)) assert.equal(mood({ condition }), wanted, condition);
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
