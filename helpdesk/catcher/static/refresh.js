// Shows what is new by itself, and leaves the page alone while somebody types.
"use strict";
const shown = document.currentScript.dataset.newest;
setInterval(async () => {
  if (document.hidden || document.activeElement?.id === "to") return;
  try {
    const { newest } = await (await fetch("/api/newest")).json();
    if (newest !== shown) location.reload();
  } catch {
    // The catcher is being restarted; the next try will do.
  }
}, 2000);
