// What the theme leaves out for people who read by ear.

document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
