/* Makes everything fit, and says how much does not: a list ends in "+3 more" and is never cut off in the middle.
   It measures and hides; it knows nothing of what the parts say. */
"use strict";
const boardFit = (() => {
  const wall = matchMedia("(min-width: 60.01em) and (min-aspect-ratio: 1/1)");
  const RANK = ["w-off", "w-free", "w-break", "w-waiting", "w-in_work", "w-burn_in", "w-ready"]; // who gives way first
  const TALLEST = 16, LOWEST = 8; // rem
  const over = (el) => el.scrollHeight > el.clientHeight + 1;

  function list(ul) {
    const inside = ul.querySelector(":scope > .more");
    const more = inside || ul.parentElement.querySelector(".more");
    const items = [...ul.children].filter((li) => li !== inside);
    items.forEach((li) => { li.hidden = false; });
    if (more) more.hidden = true;
    if (!wall.matches) return;
    let left = items.length;
    while (left > 1 && over(ul)) {
      items[--left].hidden = true;
      if (more) {
        more.textContent = ul.dataset.more.replace("{n}", items.length - left);
        more.hidden = false;
      }
    }
  }

  function tile(li) {
    li.classList.remove("t-0", "t-1", "t-2", "t-3", "t-4");
    if (!wall.matches) return;
    const inner = li.firstElementChild;
    const wide = () => [...inner.children].some((el) => el.scrollWidth > el.clientWidth + 1);
    for (const size of ["t-0", "t-1", "t-2", "t-3", "t-4"]) {
      if (!over(inner) && !wide()) return;
      li.classList.add(size);
    }
  }

  /* The height that every tile can have; where even the smallest is too much, those that need nobody give way. */
  function lines(box) {
    const tiles = [...box.querySelectorAll(".tile")];
    tiles.forEach((t) => { t.hidden = false; });
    box.querySelectorAll(".gone").forEach((el) => el.remove());
    box.style.removeProperty("--tile");
    if (!wall.matches) return;
    for (let h = TALLEST; h >= LOWEST; h -= 0.25) {
      box.style.setProperty("--tile", `${h}rem`);
      if (!over(box)) return;
    }
    for (const word of RANK) {
      for (const t of tiles.filter((li) => li.classList.contains(word)).reverse()) {
        t.hidden = true;
        const head = t.closest(".line").querySelector(".linehead");
        const gone = head.querySelector(".gone") || head.appendChild(Object.assign(document.createElement("span"), { className: "gone more" }));
        gone.textContent = box.dataset.more.replace("{n}", t.parentElement.querySelectorAll(".tile[hidden]").length);
        if (!over(box)) return;
      }
    }
  }

  function all() {
    const box = document.getElementById("lines");
    if (!box) return;
    lines(box);
    box.querySelectorAll(".tile").forEach(tile);
    document.querySelectorAll("[data-fit]").forEach(list);
  }

  addEventListener("resize", all);
  document.fonts.ready.then(all);
  return all;
})();
