"use strict";
// A box that leaves the rows with a code or word; without this script the page reads the same.
(() => {
  const rows = [...document.querySelectorAll("tr[data-find]")];
  const box = document.querySelector(".find");
  const input = box.querySelector("input");
  const count = box.querySelector("output");
  const find = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => { row.hidden = !words.every((word) => row.dataset.find.toLowerCase().includes(word)); });
    document.querySelectorAll("details").forEach((each) => { each.open = words.length > 0 && each.querySelector("tr[data-find]:not([hidden])") !== null; });
    document.querySelectorAll("section.family").forEach((each) => { each.hidden = each.querySelector("tr:not([hidden]) th[scope=row]") === null; });
    count.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} rows` : "";
  };
  input.addEventListener("input", find);
  box.hidden = false;
})();
