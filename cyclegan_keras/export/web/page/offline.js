// What a service worker gives the page: threads on any host, and work without a network.

import { cacheName, deleteOldAssets, isSingleFile, modelFile, runtimeFiles } from "./assets.js";
import { hasFastVectors } from "./engine.js";

const MOST_WAIT_MS = 5000;

/**
 * Registers the service worker, and loads the page once more where that gives it threads.
 *
 * Threads need two headers that many hosts do not send; a service worker adds them from the next load on.
 * Without service workers, as on insecure pages, in some private windows and from a disk, nothing happens.
 *
 * @param {object} about the page's facts
 * @returns {Promise<void>} as soon as the page may start; never, if the page is loaded once more
 */
export async function startServiceWorker(about) {
  if (!canRegister()) {
    return;
  }
  let registration;
  try {
    registration = await navigator.serviceWorker.register(`service_worker.js?v=${about.version}`, {
      updateViaCache: "none",
    });
  } catch {
    return;
  }
  if (globalThis.crossOriginIsolated) {
    rememberTry(false);
    return;
  }
  if (!hasFastVectors() || triedBefore()) {
    return;
  }
  const late = new Promise((resolve) => setTimeout(resolve, MOST_WAIT_MS, false));
  // Loaded only once more: a browser or a host may refuse for good.
  if ((await Promise.race([isActive(registration), late])) && rememberTry(true)) {
    location.reload();
    await new Promise(() => {});
  }
}

/**
 * Waits until the page works without a network, and deletes what earlier versions have kept.
 *
 * @param {object} about the page's facts
 * @returns {Promise<boolean>} whether it does, as far as this browser keeps files
 */
export async function finishOffline(about) {
  if (!canRegister()) {
    return false;
  }
  try {
    const registration = await navigator.serviceWorker.getRegistration();
    if (!registration || !(await isActive(registration))) {
      return false;
    }
    if (!(await caches.has(cacheName(`shell ${about.version}`)))) {
      return false; // the version before is still the one that works without a network
    }
    await keepExamples(about);
    await deleteOldAssets(neededFiles(about));
    return true;
  } catch {
    return false; // such as in private windows
  }
}

function canRegister() {
  return Boolean(globalThis.isSecureContext && navigator.serviceWorker) && !isSingleFile();
}

/** Keeps the examples that were seen; the page does not need the others. */
async function keepExamples(about) {
  const cache = await caches.open(cacheName(`shell ${about.version}`));
  for (const { src } of document.querySelectorAll("#examples img[src]")) {
    if (!(await cache.match(src))) {
      await cache.add(src);
    }
  }
}

/** Returns the files that are kept by their digest. */
function neededFiles(about) {
  const models = about.directions.flatMap(({ files }) => files.map(modelFile));
  const builds = Object.keys(about.runtime.builds);
  const runtime = builds.flatMap((build) => Object.values(runtimeFiles(about.runtime, build)));
  const scripts = Object.entries(about.scripts).map(([path, integrity]) => ({ path, integrity }));
  return [...models, ...runtime, ...scripts];
}

/** Waits until the newest service worker is at work; false where it fails. */
function isActive(registration) {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  return new Promise((resolve) => {
    const look = () => {
      if (["activated", "redundant"].includes(worker.state)) {
        resolve(worker.state === "activated");
      }
    };
    worker.addEventListener("statechange", look);
    look();
  });
}

function triedBefore() {
  try {
    return sessionStorage.getItem(cacheName("isolated")) !== null;
  } catch {
    return false;
  }
}

/** Notes whether the page was loaded once more; false where the browser keeps nothing. */
function rememberTry(tried) {
  try {
    if (tried) {
      sessionStorage.setItem(cacheName("isolated"), "tried");
    } else {
      sessionStorage.removeItem(cacheName("isolated"));
    }
    return true;
  } catch {
    return false;
  }
}
