// Answers for the page: with the headers that threads need, and from a copy where there is no network.
//
// The page itself keeps the files of which it knows a digest, and the examples (assets.js, offline.js). This
// script keeps the others of one version of the page, all or none of them. It is registered by an address
// that names the version, so that another version is another script.
"use strict";

const VERSION = new URL(self.location.href).searchParams.get("v");
const FOLDER = new URL("./", self.location.href);
const CACHE = `${FOLDER.pathname} shell ${VERSION}`;
const SHELL = ["app.js", "style.css", "manifest.webmanifest", "icon.svg"];
const OWN_FOLDERS = ["", "runtime/", "models/", "examples/"]; // other pages may lie in other folders below
const KNOWN_BY_DIGEST = /^(models\/|runtime\/|worker\.js$)/;

self.addEventListener("install", (event) => {
  event.waitUntil(keepShell());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && isOwn(new URL(event.request.url))) {
    event.respondWith(answerRequest(event.request));
  }
});

async function keepShell() {
  const index = await fetchAnew("./");
  const about = aboutOf(await index.clone().text());
  if (about.version !== VERSION) {
    throw new Error("The page was updated meanwhile."); // the next visit tries again
  }
  const answers = await Promise.all(SHELL.map((path) => fetchAnew(addressInPage(path))));
  const cache = await caches.open(CACHE);
  await cache.put("./", index);
  await Promise.all(SHELL.map((path, i) => cache.put(path, answers[i])));
  await self.skipWaiting();
}

async function takeOver() {
  const own = `${FOLDER.pathname} shell `;
  for (const name of await caches.keys()) {
    if (name.startsWith(own) && name !== CACHE) {
      await caches.delete(name);
    }
  }
  await self.clients.claim();
}

/** Returns the address that the page has for a file, by which the browser has just got it. */
function addressInPage(path) {
  return /\.(js|css)$/.test(path) ? `${path}?v=${VERSION}` : path;
}

async function fetchAnew(path) {
  const response = await fetch(new URL(path, FOLDER), { cache: "no-cache" });
  if (!response.ok) {
    throw new Error(`${path}: ${response.status}`);
  }
  return response;
}

/** Returns the page's facts, which the page carries. */
function aboutOf(page) {
  const found = page.match(/<script type="application\/json" id="about">(.*?)<\/script>/s);
  return JSON.parse(found[1]);
}

function isOwn(url) {
  if (!url.href.startsWith(FOLDER.href)) {
    return false;
  }
  const path = pathOf(url);
  return OWN_FOLDERS.includes(path.slice(0, path.lastIndexOf("/") + 1));
}

/** Returns where a file is in the page's folder. */
function pathOf(url) {
  return url.pathname.slice(FOLDER.pathname.length);
}

/**
 * Answers from the network, and from the copy where that fails.
 *
 * Where a host says nothing of how long a file may be kept, browsers keep it for days. So the host is asked
 * whether it has changed, unless the page finds that out by the digest.
 */
async function answerRequest(request) {
  let response;
  try {
    const isKnown = KNOWN_BY_DIGEST.test(pathOf(new URL(request.url)));
    response = await fetch(request, isKnown ? {} : { cache: "no-cache" });
  } catch (error) {
    response = await keptAnswer(request);
    if (!response) {
      throw error;
    }
  }
  return request.mode === "navigate" ? isolated(response) : response;
}

async function keptAnswer(request) {
  const cache = await caches.open(CACHE);
  if (request.mode === "navigate") {
    return cache.match("./");
  }
  const wanted = new URL(request.url).searchParams.get("v") ?? VERSION;
  return wanted === VERSION ? cache.match(request, { ignoreSearch: true }) : undefined;
}

/** Adds the headers without which browsers give a page no threads. */
function isolated(response) {
  if (!response.ok) {
    return response; // also a redirection, which the browser has to follow itself
  }
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
