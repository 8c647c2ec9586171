// The files that the page needs: embedded in it, kept from an earlier visit, or fetched.

import { PageError } from "./strings.js";

/**
 * Returns the name of a cache of this page. Several pages may share an origin and thus all its caches.
 *
 * @param {string} kind of the cache
 * @returns {string}
 */
export function cacheName(kind) {
  return `${new URL("./", document.baseURI).pathname} ${kind}`;
}

/**
 * Says whether the page is one file that holds all others.
 *
 * @returns {boolean}
 */
export function isSingleFile() {
  return embeddedElement("worker.js") !== null;
}

/**
 * Reads a file of the page, unpacked where it is gzipped.
 *
 * A file of a known digest is kept for later visits, under its digest, so that no visit ever mixes files of
 * two versions of the page.
 *
 * @param {string} path relative to the page, or a whole address
 * @param {object} options
 * @param {string} [options.integrity] its digest as in HTML, "sha256-..." and so on; or several, one of which
 *   it has
 * @param {number} [options.bytes] its size, where it is known
 * @param {(received: number, total: number | null) => void} [options.onProgress] is told while it comes
 * @returns {Promise<Uint8Array>} an array of its own
 * @throws {PageError} the file is not there, or is another one than expected; "error.updated" where that is
 *   because the host has another version of the page by now
 */
export async function readAsset(path, { integrity, bytes, onProgress = () => {} } = {}) {
  const element = embeddedElement(path);
  if (element) {
    const packed = Uint8Array.from(atob(element.textContent.trim()), (letter) => letter.charCodeAt(0));
    return unpack(await unpack(packed));
  }
  const url = new URL(path, document.baseURI);
  const key = keyOf(url, integrity);
  const cache = integrity ? await openCache(cacheName("files")) : null;
  const kept = await cache?.match(key);
  if (kept) {
    return unpack(new Uint8Array(await kept.arrayBuffer()));
  }
  let data;
  try {
    data = await downloadRightOne(url, integrity, bytes, onProgress);
  } catch (error) {
    const mayBeOutdated = error.key === "error.file_missing" || error.key === "error.file_changed";
    throw mayBeOutdated && (await isOutdated()) ? new PageError("error.updated") : error;
  }
  await cache?.put(key, new Response(data)).catch(() => {}); // there may be no space for it
  return unpack(data);
}

/**
 * Deletes kept files of earlier versions of this page.
 *
 * @param {{path: string, integrity: string}[]} files that are needed still
 * @returns {Promise<void>}
 */
export async function deleteOldAssets(files) {
  const cache = await openCache(cacheName("files"));
  if (!cache) {
    return;
  }
  const keys = files.map(({ path, integrity }) => keyOf(new URL(path, document.baseURI), integrity));
  const needed = new Set(keys);
  for (const request of await cache.keys()) {
    if (!needed.has(request.url)) {
      await cache.delete(request);
    }
  }
}

/**
 * Returns the files of a build of the engine.
 *
 * @param {object} runtime of the page's facts
 * @param {string} build "threaded", "simd" or "compat"
 * @returns {{script: {path: string, integrity: string}, wasm: {path: string, integrity: string, bytes:
 *   number}}}
 */
export function runtimeFiles({ folder, builds }, build) {
  const { script, wasm, bytes, integrity } = builds[build];
  return {
    script: { path: folder + script, integrity: integrity.script },
    wasm: { path: folder + wasm, integrity: `${integrity.wasm} ${integrity.unpacked}`, bytes },
  };
}

/**
 * Returns where a .tflite file is, and its digest as HTML has it.
 *
 * @param {{path: string, sha256: string}} file of the page's facts, with a digest of hexadecimal digits
 * @returns {{path: string, integrity: string}}
 */
export function modelFile({ path, sha256 }) {
  const bytes = sha256.match(/../g).map((digits) => parseInt(digits, 16));
  return { path, integrity: `sha256-${btoa(String.fromCharCode(...bytes))}` };
}

function embeddedElement(path) {
  return document.querySelector(`script[data-path="${CSS.escape(path)}"]`);
}

function keyOf(url, integrity) {
  return `${url.origin}${url.pathname}?${encodeURIComponent(integrity)}`;
}

/** Names a file in an error; the host too, where it is another than the page's. */
function fileName(url) {
  const name = decodeURIComponent(url.pathname.split("/").pop());
  return url.host === location.host ? name : `${name} (${url.host})`;
}

/** Opens a cache; null where the browser has none, as on insecure pages and in some private windows. */
async function openCache(name) {
  try {
    return await caches.open(name);
  } catch {
    return null;
  }
}

/** Says whether the host has another version of the page than the one that is open. */
async function isOutdated() {
  try {
    const response = await fetch(location.pathname, { cache: "no-cache" });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return versionOf(page) !== versionOf(document);
  } catch {
    return false; // there is no network, or something else than a page
  }
}

function versionOf(page) {
  return JSON.parse(page.getElementById("about").textContent).version;
}

/** Downloads a file that has the digest. */
async function downloadRightOne(url, integrity, bytes, onProgress) {
  // Where no digest can tell, the host has to: browsers keep files for days.
  const first = await download(url, canDigest() ? "default" : "no-cache", bytes, onProgress);
  if (await hasDigest(first, integrity)) {
    return first;
  }
  // The browser may hold a copy from before the page was updated.
  const second = await download(url, "reload", bytes, onProgress);
  if (await hasDigest(second, integrity)) {
    return second;
  }
  throw new PageError("error.file_changed", { name: fileName(url) });
}

async function download(url, cache, bytes, onProgress) {
  let response;
  try {
    response = await fetch(url, { cache });
  } catch {
    throw new PageError("error.file_unreachable", { name: fileName(url) });
  }
  if (!response.ok) {
    throw new PageError("error.file_missing", { name: fileName(url), status: response.status });
  }
  // What a host has compressed on its own has another length than it tells.
  const isPacked = response.headers.has("content-encoding");
  const told = isPacked ? null : Number(response.headers.get("content-length"));
  const total = bytes || told || null;
  const parts = [];
  let received = 0;
  onProgress(received, total);
  try {
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) {
        break;
      }
      parts.push(value);
      received += value.length;
      onProgress(received, total);
    }
  } catch {
    throw new PageError("error.file_unreachable", { name: fileName(url) });
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Says whether digests can be computed; insecure pages cannot. */
function canDigest() {
  return Boolean(globalThis.crypto?.subtle);
}

async function hasDigest(data, integrity) {
  if (!integrity || !canDigest()) {
    return true;
  }
  for (const expected of integrity.split(" ")) {
    const algorithm = expected.split("-")[0];
    const digest = await crypto.subtle.digest(algorithm.replace("sha", "SHA-"), data);
    if (expected === `${algorithm}-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`) {
      return true;
    }
  }
  return false;
}

/** Unpacks gzip; some hosts have unpacked it already. */
async function unpack(data) {
  const isGzip = data[0] === 0x1f && data[1] === 0x8b && data[2] === 8;
  if (!isGzip) {
    return data;
  }
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
