// A manager that is rehearsed, and a browser that looks at its page.

const { spawn } = require("node:child_process");
const { once } = require("node:events");
const readline = require("node:readline");
const puppeteer = require("puppeteer-core");

const TOKEN = "0123456789abcdef";
const HANG = 60_000;

// Waits until `check` gives something; what it gave last is in the error.
async function until(what, check, limit = HANG) {
  const began = Date.now();
  for (;;) {
    const given = await check();
    if (given) return given;
    if (Date.now() - began > limit) throw new Error(`${what} did not come within ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

// A manager in a process of its own.
class Rehearsed {
  static async start(scenario) {
    const rehearsed = new Rehearsed();
    rehearsed.events = [];
    rehearsed.child = spawn(process.env.PAGE_REHEARSAL, ["-"], { stdio: ["pipe", "pipe", "ignore"] });
    rehearsed.child.stdin.end(JSON.stringify({ operations: "127.0.0.1:0", operations_token: TOKEN, ...scenario }));
    readline.createInterface({ input: rehearsed.child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) rehearsed.events.push(JSON.parse(line));
    });
    rehearsed.ended = once(rehearsed.child, "exit");
    const { address } = await until("the address", () => rehearsed.events.find(({ event }) => event === "operations"));
    rehearsed.url = `http://${address}`;
    return rehearsed;
  }

  seen(event, service) {
    return until(`${event} ${service ?? ""}`, () => this.events.find((seen) => seen.event === event && (!service || seen.service === service)));
  }

  async status() {
    return (await fetch(`${this.url}/status`)).json();
  }

  async order(order) {
    const headers = { "content-type": "application/json", authorization: `Bearer ${TOKEN}` };
    return (await fetch(`${this.url}/orders/${order}`, { method: "POST", headers, body: "{}" })).json();
  }

  async end() {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

// A browser without a screen. All that its pages ask for, and all that goes wrong on them, is noted.
class Browser {
  static async start() {
    const browser = new Browser();
    browser.browser = await puppeteer.launch({
      executablePath: process.env.CHROMIUM,
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
    });
    return browser;
  }

  async open(url, { width = 1100, height = 800, dark = false } = {}) {
    const page = await this.browser.newPage();
    page.setDefaultTimeout(HANG);
    await page.setViewport({ width, height });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
    page.asked = [];
    page.wrong = [];
    page.on("request", (request) => page.asked.push(request.url()));
    page.on("pageerror", (error) => page.wrong.push(String(error)));
    page.on("console", (message) => message.type() === "error" && page.wrong.push(message.text()));
    page.on("dialog", (dialog) => { page.wrong.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
    await page.goto(url, { waitUntil: "domcontentloaded" });
    // It has its first answer.
    await page.waitForSelector("#services tr");
    page.text = (selector) => page.$eval(selector, (element) => element.textContent);
    page.sentence = (wanted) => until(`the sentence ${wanted}`, async () => {
      const text = await page.text("#sentence");
      return wanted.test(text) ? text : null;
    });
    // An event that comes by itself, not with the status that a sentence tells.
    page.event = (wanted) => until(`the event ${wanted}`, async () => {
      const lines = await page.$$eval("#events li", (lines) => lines.map((line) => line.textContent));
      return lines.find((line) => wanted.test(line));
    });
    // The cells of a service: State, Since, Restarts left, Last failure, Calls.
    page.row = (id) => page.$$eval("#services tr", (rows, id) => {
      const row = rows.find((row) => row.querySelector("th").textContent === id);
      return row ? [...row.querySelectorAll("td[data-name]")].map((cell) => cell.textContent) : null;
    }, id);
    return page;
  }

  end() {
    return this.browser.close();
  }
}

module.exports = { Browser, Rehearsed, TOKEN, until };
