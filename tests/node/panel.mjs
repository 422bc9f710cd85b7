// The panel in Debian's chromium, as people use it. Reads an object of JSON, plays its scenario and
// prints what that told; a failure ends it with words in the output.
//
//   {"scenario", "baseUrl", "staff": {ROLE: {"email", "password", "authenticator"}}, "facts",
//    "pictures": the folder that screenshots are kept in}
//
// ANTACA_TEST_NODE is the folder into which the packages were installed.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const installed = createRequire(join(process.env.ANTACA_TEST_NODE, "package.json"));
const { chromium } = (await import(pathToFileURL(installed.resolve("playwright-core")))).default;
const axe = readFileSync(installed.resolve("axe-core"), "utf8");

const asked = JSON.parse(readFileSync(0, "utf8"));
const { baseUrl, staff, facts, pictures } = asked;
const of = (rest) => `/panel/of/sandbox${rest}`;

/// What is wrong with pages that were shown, whichever page it was.
const faults = [];

/// The step of time that a code is of.
const now = () => Math.floor(Date.now() / 30000);

/// The code that an authenticator shows now, or in another step (RFC 6238).
function code(url, at = now()) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const secret = new URL(url).searchParams.get("secret");
  const bits = [...secret].map((it) => letters.indexOf(it).toString(2).padStart(5, "0")).join("");
  const bytes = bits.match(/.{8}/g).map((it) => parseInt(it, 2));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(at));
  const digest = createHmac("sha1", Buffer.from(bytes)).update(step).digest();
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(number % 1000000).padStart(6, "0");
}

const browser = await chromium.launch({ executablePath: process.env.ANTACA_TEST_CHROMIUM ?? "/usr/bin/chromium" });

/// A window of somebody's, in which every fault is noted.
async function open(options = {}) {
  const context = await browser.newContext({ baseURL: baseUrl, ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on("console", (it) => {
    // That a page is refused is told by its status, which a test asks for.
    const expected = /status of (400|401|403|404)/.test(it.text());
    if (it.type() === "error" && !expected) faults.push(`${page.url()}: ${it.text()}`);
  });
  page.on("pageerror", (it) => faults.push(`${page.url()}: ${it}`));
  page.on("dialog", (it) => {
    faults.push(`${page.url()}: a dialog: ${it.message()}`);
    it.dismiss();
  });
  return page;
}

/// The step of the code that each role gave last.
const given = {};

/// A code that somebody hasn't given yet: each opens once, and one step before or after now counts.
/// The step before only while it has ten seconds left: what it opens is on its way for some time.
async function fresh(role) {
  const first = Math.floor((Date.now() + 10000) / 30000) - 1;
  const at = Math.max((given[role] ?? 0) + 1, first);
  while (at > now() + 1) await new Promise((done) => setTimeout(done, 500));
  given[role] = at;
  return code(staff[role].authenticator, at);
}

/// Signs somebody in.
async function signIn(page, role, place = /\/panel\/(of|partners)/) {
  const { email, password } = staff[role];
  await page.goto("/panel");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByLabel("Code").fill(await fresh(role));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(place);
}

/// Looks for what makes a page hard to use for some people.
async function inspect(page, name) {
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), tags);
  for (const it of found.violations) {
    if (["serious", "critical"].includes(it.impact)) {
      const where = it.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ");
      faults.push(`${name}: ${it.id}: ${it.help}: ${where}`);
    }
  }
}

/// Whether something is wider than the screen.
async function fits(page, name) {
  const [width, screen] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  if (width > screen) faults.push(`${name}: ${width} pixels wide on a screen of ${screen}`);
}

/// The pages, by the name of their picture.
function places() {
  return {
    partners: "/panel/partners",
    account: "/panel/account",
    authenticator: "/panel/account/authenticator",
    "all-accounts": "/panel/accounts",
    "platform-audit": "/panel/audit",
    certificates: "/panel/certificates",
    "new-partner": "/panel/new-partner",
    partner: "/panel/partners/sandbox",
    programs: "/panel/programs",
    "new-program": "/panel/new-program",
    program: "/panel/programs/sandbox/0019167985",
    accounts: of("/accounts"),
    managed: of(`/accounts/${facts.account}`),
    overview: of(""),
    balances: of("/balances"),
    balance: of(`/balances/${facts.balance}`),
    statement: of(`/balances/${facts.balance}/statement?from=2020-01-01&to=2099-12-31`),
    "partner-balances": of("/partner-balances"),
    "partner-balance": of(`/partner-balances/${facts.own}`),
    transactions: of("/transactions"),
    transaction: null,
    audit: of("/audit"),
    corporations: of("/corporations"),
    corporation: of(`/corporations/${facts.corporation}`),
    notifications: of("/notifications"),
    notification: null,
    calls: of("/partner-calls"),
    users: of(`/users?search=${facts.user}`),
    user: of(`/users/${facts.user}`),
    "user-limits": of(`/users/${facts.user}/limits`),
    "user-evil": of(`/users/${facts.evil}`),
    card: of(`/cards/${facts.card}`),
    limits: of(`/cards/${facts.card}/limits`),
    verifications: of("/verifications"),
    verification: of(`/verifications/${facts.form}`),
    exports: of("/exports"),
    reports: of("/reports"),
    "card-use": of("/reports/card-use"),
    inactive: of("/reports/inactive?days=1"),
    screening: of("/screening/hits"),
    missing: of("/nothing"),
  };
}

/// Shows a page at both widths, and dark on the small one.
async function show(page, name, path) {
  for (const [width, colorScheme] of [[1920, "light"], [360, "light"], [360, "dark"]]) {
    const what = `${name}-${width}-${colorScheme}`;
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.goto(path);
    // What is folded away is looked at too.
    await page.evaluate(() => document.querySelectorAll("details").forEach((it) => (it.open = true)));
    await fits(page, what);
    await inspect(page, what);
    await page.screenshot({ path: join(pictures, `${what}.png`), fullPage: true });
  }
  return page.content();
}

const scenarios = {
  async everyPage() {
    const page = await open();
    const shown = { "sign-in": await show(page, "sign-in", "/panel/sign-in") };
    await signIn(page, "OPERATOR");
    for (const [name, path] of Object.entries(places())) {
      if (path === null) {
        // The first of its list.
        await page.goto(of(`/${name}s`));
        const first = page.locator("tbody a").first();
        shown[name] = await show(page, name, await first.getAttribute("href"));
      } else {
        shown[name] = await show(page, name, path);
      }
    }
    return shown;
  },

  async first() {
    const page = await open({ javaScriptEnabled: false });
    await signIn(page, "NEW", /\/panel\/account\/secrets/);
    const looked = await open();
    await looked.context().addCookies(await page.context().cookies());
    await show(looked, "first", "/panel/account/secrets");
    await page.goto(of("/users"));
    await page.waitForURL(/\/panel\/account\/secrets/);
    const secret = await page.locator("main code").textContent();
    await page.getByLabel("The code that the new").fill(code(`otpauth://totp/a?secret=${secret}`));
    await page.getByLabel("The password that you were given").fill(staff.NEW.password);
    for (const name of ["The new password", "The new password once more"]) {
      await page.getByLabel(name, { exact: true }).fill("four words of my own");
    }
    await page.getByRole("button", { name: "Make it mine" }).click();
    await page.getByRole("status").waitFor();
    await page.goto(of("/users"));
    assert.ok(await page.getByRole("heading", { name: "Users" }).isVisible());
    return {};
  },

  async evil() {
    const page = await open();
    await signIn(page, "ADMIN");
    await page.goto(of(`/users/${facts.evil}`));
    const heading = await page.getByRole("heading", { level: 1 }).textContent();
    assert.equal(heading, `${facts.evilText} ${facts.evilText}`);
    await page.goto(of(`/users?search=${encodeURIComponent(facts.evilText)}`));
    assert.equal(await page.getByRole("searchbox").inputValue(), facts.evilText);
    await page.goto(of(`/users/${facts.user}`));
    await page.getByText("Make a virtual card").click();
    await page.getByLabel("Label").fill(facts.evilText);
    await page.getByRole("button", { name: "Make", exact: true }).click();
    await page.getByRole("status").waitFor();
    assert.ok(await page.getByRole("cell", { name: facts.evilText }).isVisible());
    for (const path of [of(`/users/${facts.evil}`), of(`/users/${facts.user}`)]) {
      await page.goto(path);
      assert.equal(await page.locator("main img, main script").count(), 0, path);
    }
    assert.notEqual(await page.title(), "evil");
    return {};
  },

  // What is typed makes no element: where it is stored, in an address, and in what comes later.
  async inert() {
    const page = await open();
    const harmless = async (what) => {
      const made = page.locator('img[src="x"], script:not([src]), [onerror]');
      assert.equal(await made.count(), 0, what);
      assert.notEqual(await page.title(), "evil", what);
    };
    const next = encodeURIComponent("//evil.test/panel");
    await page.goto(`/panel/sign-in?next=${next}&email=${encodeURIComponent(facts.evilText)}`);
    await harmless("sign-in");
    await page.getByLabel("E-mail address").fill(facts.evilText.slice(0, 60));
    await signIn(page, "OPERATOR");
    assert.equal(new URL(page.url()).origin, new URL(baseUrl).origin, "nowhere else");
    for (const at of facts.shown) {
      await page.goto(at);
      const typed = await page.locator("input").evaluateAll((all) => all.map((it) => it.value).join(" "));
      const text = `${await page.locator("body").evaluate((it) => it.textContent)} ${typed}`;
      assert.ok(text.includes(facts.evilText), `${at} shows it`);
      await harmless(at);
    }
    for (const asked of facts.asked) {
      await page.goto(of(`/${asked}${encodeURIComponent(facts.evilText)}`));
      await harmless(asked);
    }
    await page.goto(of("/transactions"));
    const told = page.waitForResponse((it) => it.url().includes("/transactions/live"));
    await page.getByRole("button", { name: "Follow live" }).click();
    await told;
    await page.locator("#transactions").getByText(facts.evilText).first().waitFor();
    await harmless("live");
    return {};
  },

  async reload() {
    const page = await open({ javaScriptEnabled: false });
    await signIn(page, "OPERATOR");
    await page.goto(of("/partner-balances"));
    await page.getByRole("link", { name: "Company EUR" }).click();
    await page.getByText("Reload", { exact: true }).click();
    await page.locator("#in-amount").fill("1 000.25");
    await page.locator("#in-text").fill("Wire 17");
    await page.getByRole("button", { name: "Add the money" }).click();
    assert.ok(await page.getByText("The money is added.").isVisible());
    assert.ok(await page.getByRole("cell", { name: "+1,000.25 EUR" }).isVisible());
    return {};
  },

  async limit() {
    const page = await open();
    await signIn(page, "MANAGER");
    for (const rest of ["", "/limits"]) {
      await show(page, `manager-card${rest.replace("/", "-")}`, of(`/cards/${facts.card}${rest}`));
    }
    await page.goto(of(`/cards/${facts.card}`));
    await page.getByRole("link", { name: "Limits of this card" }).click();
    await page.getByText("Set a limit").click();
    await page.locator("#type").selectOption({ label: "Cash from machines" });
    await page.locator("#unit").selectOption({ label: "A week" });
    await page.locator("#most").fill("150.00");
    await page.getByRole("button", { name: "Set", exact: true }).first().click();
    assert.ok(await page.getByText("It may spend this from now on.").isVisible());
    assert.ok(await page.getByRole("cell", { name: "150.00 EUR" }).isVisible());
    await page.getByText("Take off Cash from machines, A week").click();
    await page.getByText("Change Merchant categories").click();
    await page.setViewportSize({ width: 360, height: 900 });
    await fits(page, "limits");
    await page.getByRole("button", { name: "Take it off" }).click();
    await page.getByText("No limit is set.").waitFor();
    await page.getByText("Change Merchant categories").click();
    await page.locator("#mccs-entries").fill("7995");
    const set = page.locator("#mccs-entries ~ button");
    await set.click();
    assert.ok(await set.isVisible(), "nothing is sent before one has chosen what 7995 is");
    await page.locator("#mccs-mode").selectOption({ label: "All but these are permitted" });
    await set.click();
    const told = page.getByText("All but these are permitted: 7995");
    await told.waitFor();
    await page.getByText("Permit everything Merchant categories").click();
    await page.getByRole("button", { name: "Permit everything" }).click();
    await told.waitFor({ state: "detached" });
    return {};
  },

  async hit() {
    const page = await open();
    await signIn(page, "OPERATOR");
    await page.goto(of("/screening/hits"));
    await inspect(page, "hits");
    await page.setViewportSize({ width: 360, height: 900 });
    await page.locator("main summary").first().click();
    await fits(page, "hits");
    await page.getByLabel("Who it is").selectOption({ label: "somebody else" });
    await page.getByLabel("Why").fill("Born elsewhere.");
    await page.getByRole("button", { name: "Decide" }).click();
    assert.ok(await page.getByText("The decision is kept.").isVisible());
    assert.ok(await page.getByText("Nothing was found that waits.").isVisible());
    return {};
  },

  // Each form of a list: found on its page, unfolded, filled in, its button pressed.
  async acts() {
    const pages = {};
    for (const { role, at, form, fields, told } of facts.acts) {
      if (!pages[role]) {
        pages[role] = await open({ viewport: { width: 360, height: 900 } });
        await signIn(pages[role], role);
      }
      const page = pages[role];
      // The first of a list, where its page has the form.
      const [list, first] = at.split("#");
      await page.goto(list);
      if (first) await page.locator("tbody a").first().click();
      // Of several forms that are sent to one place, the one that makes this change.
      const telling = fields.filter(([name]) => name === "change");
      const marks = telling.map(([name, value]) => `:has([name="${name}"][value="${value}"])`);
      const [begin, end] = form.split("ANY");
      const action = end ? `[action^="${begin}"][action$="${end}"]` : `[action="${form}"]`;
      const sent = page.locator(`form${action}${marks.join("")}`).first();
      const folded = sent.locator("xpath=ancestor::details[not(@open)]/summary");
      if (await folded.count()) await folded.first().click();
      for (const [name, value] of fields) {
        if (name === "change") continue;
        const field = sent.locator(`[name="${name}"]:not([type=hidden])`);
        const kind = await field.evaluate((it) => it.type);
        if (kind === "select-one") await field.selectOption(value);
        else if (kind === "checkbox") await field.setChecked(value === "on");
        else await field.fill(value === "CODE" ? await fresh(role) : value);
      }
      await sent.locator("button").click();
      try {
        await page.getByText(told).first().waitFor({ timeout: 10000 });
      } catch {
        assert.fail(`${form} isn't answered "${told}" but: ${await page.locator("main").innerText()}`);
      }
      await fits(page, form);
      await inspect(page, form);
    }
    return {};
  },

  async decline() {
    const page = await open();
    await signIn(page, "EMPLOYEE");
    await page.getByRole("link", { name: "See what was declined" }).click();
    await page.locator("#transactions a").first().click();
    await page.getByText("The balance has too little to spend.").first().waitFor();
    const failed = page.locator(".checks li.DECLINED");
    assert.equal(await failed.count(), 1, "one check failed");
    const order = await page.locator(".checks li").evaluateAll((all) => all.map((it) => it.className));
    const at = order.indexOf("DECLINED");
    assert.ok(at > 5 && order.slice(0, at).every((it) => it === "ACCEPTED"), `${order}`);
    assert.ok(order.slice(at + 1).every((it) => it === "unreached"), `${order}`);
    return {};
  },

  async live() {
    const page = await open();
    await signIn(page, "EMPLOYEE");
    await page.goto(of("/transactions"));
    assert.equal(await page.getByText("98.76").count(), 0);
    const button = page.getByRole("button", { name: "Follow live" });
    await button.click();
    assert.equal(await button.getAttribute("aria-pressed"), "true");
    await page.locator("#transactions").getByText("98.76").waitFor();
    await inspect(page, "live");
    await button.click();
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    return {};
  },

  async keyboard() {
    const page = await open();
    const { email, password, authenticator } = staff.EMPLOYEE;
    await page.goto("/panel");
    const type = async (text) => {
      await page.keyboard.type(text);
      await page.keyboard.press("Tab");
    };
    // The first field has the focus.
    await page.locator("#email:focus").waitFor();
    await type(email);
    await type(password);
    await page.keyboard.type(code(authenticator));
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/panel\/of/);
    await page.goto(of(`/cards/${facts.card}`));
    // By Tab alone to what is asked for, which must be seen to have the focus.
    const reach = async (selector) => {
      for (let steps = 0; steps < 60; steps++) {
        await page.keyboard.press("Tab");
        const there = await page.evaluate((it) => document.activeElement?.matches(it), selector);
        if (there) {
          const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
          assert.notEqual(outline, "none", `${selector} shows its focus`);
          return;
        }
      }
      assert.fail(`${selector} isn't reached by Tab`);
    };
    await reach("details:has(#reason) > summary");
    await page.keyboard.press("Enter");
    await reach("#reason");
    await page.keyboard.type("Suspected");
    await reach("details:has(#reason) button");
    await page.keyboard.press("Enter");
    await page.getByRole("status").waitFor();
    assert.ok(await page.getByText("Suspected fraud", { exact: false }).first().isVisible());
    // The same way back, without any script.
    const plain = await open({ javaScriptEnabled: false });
    await signIn(plain, "MANAGER");
    await plain.goto(of(`/cards/${facts.card}`));
    await plain.getByRole("button", { name: "Unlock the card" }).click();
    assert.ok(await plain.getByText("The card is unlocked.").isVisible());
    return {};
  },

  async verification() {
    const page = await open({ viewport: { width: 1920, height: 1080 } });
    await signIn(page, "ADMIN");
    await page.getByRole("link", { name: "Verifications to be decided" }).click();
    await page.getByRole("table").getByRole("link").first().click();
    const images = page.locator("figure img");
    assert.equal(await images.count(), 2);
    const boxes = [];
    for (const image of await images.all()) {
      const width = await image.evaluate((it) => it.decode().then(() => it.naturalWidth));
      assert.ok(width > 0, "it is shown");
      boxes.push(await image.boundingBox());
    }
    assert.ok(Math.abs(boxes[0].y - boxes[1].y) < 2 && boxes[0].x < boxes[1].x, "side by side");
    const data = await page.getByRole("heading", { name: "Data" }).boundingBox();
    assert.ok(data.x + data.width <= boxes[0].x && boxes[0].y < 1080, "the data is beside them");
    await page.getByRole("button", { name: "Enlarge: Face" }).click();
    const large = await images.first().boundingBox();
    assert.ok(large.width > boxes[0].width, "it is larger");
    await page.getByRole("button", { name: "Accept", exact: true }).click();
    assert.ok(await page.getByText("The form is accepted.").isVisible());
    const other = await open();
    await signIn(other, "EMPLOYEE");
    assert.equal(await other.getByRole("link", { name: "Verifications" }).count(), 0);
    const refused = await other.goto(of(`/verifications/${facts.form}`));
    assert.equal(refused.status(), 403);
    return {};
  },
};

try {
  mkdirSync(pictures, { recursive: true });
  const told = await scenarios[asked.scenario]();
  assert.deepEqual(faults, []);
  process.stdout.write(JSON.stringify(told));
} catch (error) {
  process.stdout.write(`${error.stack ?? error}\n${faults.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
