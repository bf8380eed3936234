// The page in a browser, through whole lives, held against what the manager says of itself.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { join } = require("node:path");
const { after, before, test } = require("node:test");
const { Browser, Rehearsed, TOKEN, until } = require("./browser.js");

let browser;
before(async () => { browser = await Browser.start(); });
after(() => browser.end());

const WEB = { id: "web", http: "127.0.0.1:0", depends_on: ["database"] };
const DATABASE = { id: "database", resources: [{ name: "pool" }] };
const LIFE = { max_shutdown_ms: 30_000, stuck_after_ms: 200 };

// A manager and its page; both are gone when `body` is over, and nothing went wrong on the page.
async function shows(scenario, body, look = {}) {
  const manager = await Rehearsed.start({ ...LIFE, ...scenario });
  try {
    const page = await browser.open(manager.url, look);
    await body(manager, page);
    // A connection that is gone, and an order that is refused, are told by the browser itself.
    const wrong = page.wrong.filter((text) => !/ERR_|status of 40[139]/.test(text));
    assert.deepEqual(wrong, []);
    assert.ok(page.asked.every((url) => url.startsWith(manager.url) || url === "data:,"), page.asked.join());
    await page.close();
  } finally {
    await manager.end();
  }
}

const picture = (page, name) => page.screenshot({ path: join(process.env.PAGE_PICTURES, `page-${name}.png`) });

async function allow(page) {
  await page.type("#token", TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#orders:not([hidden])");
}

async function say(page, answer) {
  await page.waitForSelector("#sure[open]");
  await page.click(`#sure button[value=${answer}]`);
}

test("a late database, all up, a stall, a restart, a drain and its forced end", async () => {
  const services = [
    { id: "database", setup: "late:10000", retry_setup: { backoff_ms: 300, max_backoff_ms: 300, max: 50, within_ms: 60_000 }, resources: [{ name: "pool" }] },
    WEB,
    { id: "worker", depends_on: ["database"], restart: { policy: "on_failure", backoff_ms: 50 } },
    { id: "mailer", depends_on: ["database"], run: "ignore_shutdown" },
  ];
  await shows({ services, max_shutdown_ms: 10_000 }, async (manager, page) => {
    await page.sentence(/^Starting for .+: waiting for database \(to be set up again\)$/);
    await page.waitForFunction(() => document.querySelector("#services tr td")?.textContent.includes("to be set up again"));
    assert.equal((await page.row("web"))[0], "waiting");
    await picture(page, "starting");

    await manager.seen("running");
    await page.sentence(/^Running, 4 of 4 up$/);
    const status = await manager.status();
    assert.equal(status.stage, "running");
    for (const { id, state } of status.services) assert.equal((await page.row(id))[0], state.replace(/ for .*/, ""), id);
    const setUp = await page.text("#timeline");
    assert.match(setUp, /^Set-up: .*database set-up.*, the longest/);
    await picture(page, "running");

    // A handler that blocks a worker is told while it lasts.
    const web = status.services.find(({ id }) => id === "web").addresses[0];
    const blocked = fetch(`http://${web}/block/6000`).then(({ status }) => status, String);
    await page.sentence(/; web does not get on$/);
    assert.match((await page.row("web"))[3], /^stuck \(GET \/block\/\.\., on server-worker-\d+\) for /);
    assert.equal(await blocked, 200);
    await page.sentence(/^Running, 4 of 4 up$/);

    // Whoever may not order sees no orders.
    assert.equal(await page.$eval(".orders button", (button) => button.offsetParent), null);
    await allow(page);
    await page.click('button[aria-label="restart worker"]');
    await say(page, "no");
    assert.ok(!manager.events.some(({ event }) => event === "restart_started"), "No is no");
    await page.click('button[aria-label="restart worker"]');
    await say(page, "yes");
    await page.waitForFunction(() => document.querySelector("#answer").textContent === "restart/worker: done");
    await manager.seen("restart_finished", "worker");

    const stream = await fetch(`http://${web}/sse`);
    await page.click("#refresh");
    await page.waitForFunction(() => /web: 1 open on \d connections, the oldest GET \/sse/.test(document.querySelector("#calls").textContent));
    await page.click('[data-order="shutdown"]');
    await say(page, "yes");
    await page.sentence(/^Stopping for .+: waiting for .*mailer \(run\).*; forced in \d/);
    await manager.seen("progress");
    const stopping = await manager.status();
    assert.equal(stopping.stage, "stopping");
    await picture(page, "stopping");
    await manager.seen("stopped");
    await page.sentence(/^Stopped$/);
    await manager.ended;
    await stream.body.cancel().catch(() => {});
    const report = manager.events.find(({ event }) => event === "report");
    assert.equal(report.exit_code, 3);
    const timeline = await page.text("#timeline");
    assert.match(timeline, /mailer run/);
    await page.event(/stopped$/);
    await page.event(/run_finished mailer: forced/);
    const latest = await page.$eval("#events li", (line) => line.textContent);
    assert.match(latest, /stopped$/);
  });
});

test("a restart storm ends in a shutdown whose cause is on the page", async () => {
  const services = [DATABASE, { id: "storm", run: "error_after:500", restart: { policy: "on_failure", max: 3, within_ms: 60_000, backoff_ms: 300 } }, { id: "slow", shutdown: "slow:6000" }];
  await shows({ services }, async (manager, page) => {
    await page.waitForFunction(() => [...document.querySelectorAll("#services tr")].some((row) => row.textContent.startsWith("storm") && /^[012]/.test(row.querySelector('[data-name="Restarts left"]').textContent)));
    assert.match((await page.row("storm"))[3], /storm fails in run, as scripted/);
    await page.sentence(/^Stopping for .+: waiting for slow/);
    assert.match(await page.event(/shutdown_requested/), /storm/);
    await manager.seen("stopped");
    await page.sentence(/^Stopped$/);
  });
});

test("a hand-over: which process this is, and then the successor without loading the page anew", async () => {
  const shownAs = (page, wanted) => until(`the line ${wanted}`, async () => wanted.test(await page.text("#handover")));
  const services = [DATABASE, { id: "once", after_handover: true }];
  await shows({ services, handover: true }, async (manager, page) => {
    await shownAs(page, /^Number 1 in a row$/);
    assert.deepEqual(await manager.order("handover"), { ok: true });
    await shownAs(page, new RegExp(`^Number 2 in a row, after process ${manager.child.pid}$`));
    await page.sentence(/^Running, 2 of 2 up$/);
    await page.event(/took_over \(generation 2, predecessor \d+\)$/);
    assert.deepEqual(await manager.order("shutdown"), { ok: true });
    await page.sentence(/^Stopped$/);
  });
});

test("an order with another token, or of nobody, is refused in words", async () => {
  await shows({ services: [DATABASE] }, async (manager, page) => {
    await page.type("#token", "fedcba9876543210");
    await page.keyboard.press("Enter");
    await page.click('button[aria-label="stop database"]');
    await say(page, "yes");
    await page.waitForFunction(() => /^stop\/database: the token is another/.test(document.querySelector("#answer").textContent));
    assert.equal((await manager.status()).services[0].state.replace(/ for .*/, ""), "running");
  });
});

test("the connection is lost: the page says so, and what it last knew", async () => {
  await shows({ services: [DATABASE] }, async (manager, page) => {
    await page.sentence(/^Running, 1 of 1 up$/);
    await manager.end();
    await page.waitForSelector("#link:not([hidden])");
    assert.match(await page.text("#link"), /^The connection was lost .+ ago\. This is what was last known\.$/);
    assert.equal(await page.text("#sentence"), "Running, 1 of 1 up");
  });
});

test("an answer that was on its way when all was over does not take that back", async () => {
  await shows({ services: [DATABASE] }, async (manager, page) => {
    await page.sentence(/^Running, 1 of 1 up$/);
    const saved = {};
    for (const path of ["/status", "/report"]) saved[path] = await (await fetch(manager.url + path, { headers: { accept: "application/json" } })).text();
    const held = [];
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      const path = request.url().slice(manager.url.length);
      if (path === "/status") held.push(request);
      else if (path === "/report") request.respond({ contentType: "application/json", body: saved[path] });
      else request.continue();
    });
    await page.click("#refresh");
    await until("the question", () => held.length);
    manager.order("shutdown").catch(() => {});
    await page.sentence(/^Stopped$/);
    // A row by which it is known when it is shown.
    const status = JSON.parse(saved["/status"]);
    status.services.push({ ...status.services[0], id: "of the answer" });
    await held[0].respond({ contentType: "application/json", body: JSON.stringify(status) });
    await page.waitForFunction(() => [...document.querySelectorAll("#services th")].some((cell) => cell.textContent === "of the answer"));
    assert.equal(await page.text("#sentence"), "Stopped");
  });
});

test("by keyboard: filter, choose in the graph, and see its events alone", async () => {
  await shows({ services: [DATABASE, WEB] }, async (manager, page) => {
    await page.sentence(/^Running, 2 of 2 up$/);
    await page.focus("#filter");
    await page.keyboard.type("web");
    await page.waitForFunction(() => [...document.querySelectorAll("#services tr")].filter((row) => !row.hidden).length === 1);
    await page.$eval('[data-id="database"]', (box) => box.focus());
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => [...document.querySelectorAll("#events li")].every((line) => line.textContent.includes("database")));
    assert.equal(await page.$eval("#of", (choice) => choice.value), "database");
    assert.equal(await page.evaluate(() => document.activeElement.dataset.id), "database", "the focus stays");
  });
});

test("nothing that a service says is taken for HTML", async () => {
  const hostile = "<img src=x onerror=alert(1)>";
  await shows({ services: [{ id: hostile, run: "error_after:300", restart: { policy: "on_failure", max: 100, within_ms: 60_000 } }, DATABASE] }, async (manager, page) => {
    await manager.seen("restart_finished", hostile);
    await page.waitForFunction((id) => [...document.querySelectorAll("#services th")].some((cell) => cell.textContent === id), {}, hostile);
    assert.equal(await page.$("#services img, #events img, #graph img"), null);
  });
});

test("a thousand services do not make it stutter", async () => {
  const services = Array.from({ length: 1000 }, (_, index) => ({ id: `service ${index}`, depends_on: index ? [`service ${Math.floor((index - 1) / 10)}`] : [] }));
  services.push({ id: "storm", run: "error_after:100", restart: { policy: "on_failure", max: 1000, within_ms: 60_000, backoff_ms: 1, max_backoff_ms: 1 } });
  await shows({ services }, async (manager, page) => {
    await page.sentence(/^Running, 100[01] of 1001 up/);
    // By the time of its thread, which others on this machine do not lengthen.
    const session = await page.createCDPSession();
    await session.send("Performance.setTimeDomain", { timeDomain: "threadTicks" });
    await session.send("Performance.enable");
    const busy = async () => {
      const { metrics } = await session.send("Performance.getMetrics");
      return metrics.find(({ name }) => name === "TaskDuration").value;
    };
    const restarts = () => manager.events.filter(({ event }) => event === "restart_finished").length;
    const [seen, before, began] = [restarts(), await busy(), performance.now()];
    await until("twenty restarts", () => restarts() >= seen + 20);
    const share = (await busy() - before) / ((performance.now() - began) / 1000);
    assert.ok(share < 0.6, `its thread was busy for ${(100 * share).toFixed(0)} % of the time`);
  });
});

test("where nothing happens, nothing is asked for", async () => {
  await shows({ services: [DATABASE] }, async (manager, page) => {
    await page.sentence(/^Running, 1 of 1 up$/);
    await until("the last question", async () => {
      const asked = page.asked.length;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return page.asked.length === asked;
    });
    const asked = page.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.equal(page.asked.length, asked);
  });
});

for (const dark of [false, true]) {
  for (const [name, width, height] of [["a desk", 1100, 800], ["a phone", 375, 720]]) {
    test(`readable by everybody, ${dark ? "dark" : "light"}, on ${name}`, async () => {
      await shows({ services: [DATABASE, WEB, { id: "worker", run: "error_after:100", restart: { policy: "on_failure", max: 2, backoff_ms: 60_000, max_backoff_ms: 60_000 } }] }, async (manager, page) => {
        await page.sentence(/^Running/);
        await allow(page);
        await page.evaluate(fs.readFileSync(require.resolve("axe-core"), "utf8"));
        const found = await page.evaluate(async () => (await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] })).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`));
        assert.deepEqual(found, []);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(overflow <= 0, `${overflow} px too wide`);
        if (dark && width < 400) await picture(page, "phone");
      }, { width, height, dark });
    });
  }
}
