/* Shows what the node says, once a second; all words and all markup come from the node. */
const element = (id) => document.getElementById(id);
const TICKET = 'consilium-ticket';
const shown = new Map();
let shownAt;
let isOver = false;

/* The key is for one exchange: it stays neither in the address bar nor in the history. */
async function enter() {
  const key = /^#key=([\w-]+)$/.exec(location.hash)?.[1];
  history.replaceState(null, '', '/');
  if (key === undefined) return;
  const answer = await fetch('/session', { method: 'POST', body: JSON.stringify({ key }) });
  if (answer.ok) sessionStorage.setItem(TICKET, (await answer.json()).ticket);
}

const ask = (path, method = 'GET') =>
  fetch(path, { method, headers: { 'x-consilium-ticket': sessionStorage.getItem(TICKET) ?? '' } });

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const ofToday = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const inZone = (date) => (date.toDateString() === new Date().toDateString() ? ofToday : local).format(date);

function put(name, html) {
  if (shown.get(name) === html) return;
  shown.set(name, html);
  const section = element(`section-${name}`);
  const opened = [...section.querySelectorAll('details')].map((one) => one.open);
  const scrolled = [...section.querySelectorAll('.scroll, pre')].map((one) => [one.scrollLeft, one.scrollTop]);
  const focused = [...section.querySelectorAll('[tabindex], summary')].indexOf(document.activeElement);
  section.innerHTML = html;
  section.querySelectorAll('details').forEach((one, k) => (one.open = opened[k] ?? false));
  section.querySelectorAll('.scroll, pre').forEach((one, k) => one.scrollTo(...(scrolled[k] ?? [0, 0])));
  if (focused >= 0) section.querySelectorAll('[tabindex], summary')[focused]?.focus();
  for (const time of section.querySelectorAll('time')) {
    time.title = time.textContent;
    time.textContent = inZone(new Date(time.dateTime));
  }
}

function banner(text) {
  element('banner').hidden = text === undefined;
  if (text !== undefined) element('banner').textContent = text;
  document.body.classList.toggle('stale', text !== undefined);
  element('pause').disabled = element('stop').disabled = text !== undefined;
}

function lock(again) {
  element('locked').hidden = again;
  for (const id of ['sections', 'acts']) element(id).hidden = true;
  banner(again ? element('banner').dataset.again : undefined);
}

async function look() {
  const answer = await ask('/sections');
  if (answer.status === 401) {
    isOver = true;
    lock(shownAt !== undefined || sessionStorage.getItem(TICKET) !== null);
    return;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  const { sections, paused } = await answer.json();
  for (const [name, html] of Object.entries(sections)) put(name, html);
  shownAt = new Date();
  // For screen readers: what the node does, when that changes, and not each figure.
  const doing = element('section-now').querySelector('.big')?.textContent ?? '';
  if (element('said').textContent !== doing) element('said').textContent = doing;
  const pause = element('pause');
  pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
  pause.dataset.act = paused ? '/resume' : '/pause';
  for (const id of ['sections', 'acts']) element(id).hidden = false;
  element('locked').hidden = true;
  banner(undefined);
}

async function watch() {
  for (let misses = 0; !isOver;) {
    if (!document.hidden) {
      try {
        await look();
        misses = 0;
      } catch {
        misses += 1;
        const { stale, ended } = element('banner').dataset;
        if (misses > 1) banner(`${misses > 5 ? ended : stale} ${shownAt === undefined ? '-' : local.format(shownAt)}.`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

element('pause').addEventListener('click', async () => {
  await ask(element('pause').dataset.act, 'POST').catch(() => undefined);
  await look().catch(() => undefined);
});
element('stop').addEventListener('click', () => element('ask').showModal());
element('stop-no').addEventListener('click', () => element('ask').close());
element('stop-yes').addEventListener('click', async () => {
  element('ask').close();
  await ask('/stop', 'POST').catch(() => undefined);
});
document.addEventListener('visibilitychange', () => void look().catch(() => undefined));
addEventListener('hashchange', () => location.reload());

await enter().catch(() => undefined);
void watch();
