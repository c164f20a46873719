/** The empty page: whoever may not look gets no more than this. */
import { markup } from '../report/markup.js';
import { sectionNames } from './sections.js';
import { WORDS } from './words.js';

/** Nothing but what this server has, and nothing inline. */
export const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const documentOf = (hospital: string): string =>
  markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${WORDS.title(hospital)}</title><link rel="icon" href="/page.svg"><link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script></head><body>
<header><div><p class="dim product">${WORDS.product}</p><h1>${hospital}</h1><p class="dim">${WORDS.onlyHere}</p></div>
<div class="acts" id="acts" hidden><button id="pause" data-pause="${WORDS.pause}" data-resume="${WORDS.resume}">${WORDS.pause}</button>
<button id="stop" class="danger">${WORDS.stop}</button></div></header>
<p id="banner" class="note" role="status" hidden data-stale="${WORDS.stale}" data-ended="${WORDS.staleStopped}" data-again="${WORDS.lockedAgain}"></p>
<p id="locked" class="big" hidden>${WORDS.locked}</p>
<noscript><p class="note">${WORDS.noScript}</p></noscript>
<p id="said" class="unseen" role="status"></p>
<main id="sections" hidden>${sectionNames.map((name) => markup`<section id="section-${name}"></section>`)}</main>
<footer><p class="dim">${WORDS.researchOnly}</p></footer>
<dialog id="ask" aria-labelledby="ask-title"><h2 id="ask-title">${WORDS.stopTitle}</h2><p>${WORDS.stopText}</p>
<div class="acts"><button id="stop-no" autofocus>${WORDS.stopNo}</button><button id="stop-yes" class="danger">${WORDS.stopYes}</button></div></dialog>
</body></html>
`.html;
