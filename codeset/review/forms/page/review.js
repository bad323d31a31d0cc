"use strict";
// Sorting and filtering are added to what is there already: without this script the page reads the same.
(() => {
  const value = (row, at) => {
    const cell = row.cells[at];
    return cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
  };

  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? (a < b ? -1 : a > b ? 1 : 0) : x - y;
  };

  const sort = (table, at, descending) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, place) => ({ row, place, key: value(row, at) }));
    const empty = ({ key }) => key === "";
    rows.sort((a, b) => {
      if (empty(a) || empty(b)) return empty(a) - empty(b) || a.place - b.place;
      return (descending ? -1 : 1) * compare(a.key, b.key) || a.place - b.place;
    });
    body.append(...rows.map(({ row }) => row));
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      if (place === at) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  };

  const next = (table, at) => sort(table, at, table.tHead.rows[0].cells[at].getAttribute("aria-sort") === "ascending");

  const sortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => next(table, at));
      head.append(button);
    });
  };

  const headText = (head) => head.textContent.trim();

  const chooser = (table) => {
    const label = document.createElement("label");
    label.className = "sort-by";
    const select = document.createElement("select");
    select.add(new Option("Original order", ""));
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const figures = head.classList.contains("n");
      select.add(new Option(`${headText(head)} (${figures ? "high to low" : "A–Z"})`, `${at} ${figures ? "down" : "up"}`));
      select.add(new Option(`${headText(head)} (${figures ? "low to high" : "Z–A"})`, `${at} ${figures ? "up" : "down"}`));
    });
    select.addEventListener("change", () => {
      const [at, way] = select.value.split(" ");
      if (way) sort(table, Number(at), way === "down");
    });
    label.append("Sort by ", select);
    return label;
  };

  // Words in the box and chips narrow a table down; a chip is a tag that a row has.
  const filterable = (table) => {
    const rows = [...table.tBodies[0].rows];
    const texts = new Map(rows.map((row) => [row, (row.dataset.find || row.textContent).toLowerCase()]));
    const bar = document.createElement("div");
    bar.className = "filter";
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("output");
    const chosen = new Set();
    input.type = "search";
    input.placeholder = table.dataset.filter;
    const show = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const tags = (row.dataset.tags || "").split(" ");
        row.hidden = !words.every((word) => texts.get(row).includes(word)) || ![...chosen].every((tag) => tags.includes(tag));
        shown += !row.hidden;
      }
      count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
    };
    const chip = ([tag, name]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "chip";
      button.textContent = name;
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(on));
        on ? chosen.add(tag) : chosen.delete(tag);
        show();
      });
      return button;
    };
    const chips = (table.dataset.chips || "").split(",").filter(Boolean).map((text) => chip(text.split(":")));
    input.addEventListener("input", show);
    label.append("Filter ", input);
    bar.append(label, ...chips, chooser(table), count);
    show();
    table.before(bar);
  };

  // On a phone rows are laid out as cards; the roles keep them a table for screen readers.
  const roles = (table) => {
    table.setAttribute("role", "table");
    for (const part of [table.tHead, ...table.tBodies]) part.setAttribute("role", "rowgroup");
    for (const row of table.rows) {
      row.setAttribute("role", "row");
      for (const cell of row.cells) {
        cell.setAttribute("role", cell.tagName === "TD" ? "cell" : cell.scope === "row" ? "rowheader" : "columnheader");
      }
    }
  };

  // The panel of a code: what CMS says of it in each release, its edits, and the practice's own units.
  const data = JSON.parse(document.getElementById("codes-data").textContent);
  const dollars = (cents) => (cents === null ? "–" : `$${(cents / 100).toLocaleString("en-US", { minimumFractionDigits: 2 })}`);
  const signed = (cents) => (cents ? `${cents > 0 ? "+" : "−"}${dollars(Math.abs(cents))}` : "$0.00");
  const node = (name, text, ...children) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    made.append(...children);
    return made;
  };
  const FACTS = [["Status", 2], ["Work RVU", 3], ["PE RVU, office", 4], ["PE RVU, facility", 5], ["MP RVU", 6], ["Global days", 7],
    [`Office, ${data.amounts}`, 8], [`Facility, ${data.amounts}`, 9], ["MUE", 10]];
  const DRIVERS = ["Work RVU", "PE RVU", "MP RVU", "GPCI", "Conversion factor"];

  const historyTable = (rows, caption) => {
    const table = node("table", "", node("caption", caption));
    const head = node("tr", "", node("th", "Field"), ...rows.map((row) => node("th", row[0])));
    [...head.cells].forEach((cell, place) => { cell.scope = "col"; cell.className = place ? "n" : ""; });
    const body = FACTS.map(([name, at]) => {
      const cells = rows.map((row) => node("td", at === 8 || at === 9 ? dollars(row[at]) : row[at] || "–"));
      rows.forEach((row, place) => { cells[place].className = "n"; cells[place].dataset.label = row[0]; });
      const first = node("th", name);
      first.scope = "row";
      return node("tr", "", first, ...cells);
    });
    table.append(node("thead", "", head), node("tbody", "", ...body));
    roles(table);
    return table;
  };

  const driverList = (parts) => node("ul", "", ...Object.entries(parts).map(([setting, cents]) => {
    const texts = cents.map((value, at) => (value ? `${DRIVERS[at]} ${signed(value)}` : "")).filter(Boolean);
    return node("li", `${setting[0].toUpperCase()}${setting.slice(1)}: ${texts.join(", ") || "no change"}`);
  }));

  const codeLinks = (codes) => codes.split(" ").flatMap((code) => {
    if (!data.codes[code]) return [code, " "];
    const link = node("a", code);
    link.href = `#code=${code}`;
    return [link, " "];
  });

  const editLists = (title, byIndicator) => Object.entries(byIndicator || {}).map(([indicator, codes]) => {
    const bypass = indicator === "1" ? "a modifier can unbundle" : "no modifier unbundles";
    const list = node("details", "", node("summary", `${title}: ${codes.split(" ").length} (${bypass})`));
    list.append(node("p", "", ...codeLinks(codes)));
    return list;
  });

  const cmsRows = (code) => {
    const links = Object.keys(data.releases).flatMap((release) => ["mpfs", "mue", "add_on"].flatMap((table) => {
      const row = document.getElementById(`${release}-${table}-${code}`);
      if (!row) return [];
      const link = node("a", `${release} ${{ mpfs: "fee schedule", mue: "MUE", add_on: "add-on pairs" }[table]}`);
      link.href = `#${row.id}`;
      return [link, " "];
    }));
    return links.length ? [node("h3", "CMS rows"), node("p", "", ...links)] : [];
  };

  const panel = node("dialog");
  panel.className = "panel";
  panel.setAttribute("aria-labelledby", "panel-title");
  document.body.append(panel);
  let opener = null;

  const closePanel = () => {
    if (!panel.open) return;
    panel.close();
    history.replaceState(null, "", location.pathname + location.search);
    if (opener && opener.isConnected) opener.focus();
  };
  panel.addEventListener("cancel", (event) => { event.preventDefault(); closePanel(); });

  const openPanel = (code) => {
    const facts = data.codes[code];
    const title = node("h2", facts ? `${code}, ${facts.family}` : `${code} is not a dermatology code of this release`);
    title.id = "panel-title";
    title.tabIndex = -1;
    const close = node("button", "Close");
    close.type = "button";
    close.addEventListener("click", closePanel);
    panel.replaceChildren(close, title);
    if (facts) {
      const modifiers = [...new Set(facts.rows.map((row) => row[1]))];
      if (facts.units) panel.append(node("p", `Your units: ${facts.units.toLocaleString("en-US")}${data.place ? `, ${data.place}` : ""}`));
      for (const modifier of modifiers) {
        const caption = modifier ? `With modifier ${modifier}` : "In each release on file, newest first";
        panel.append(historyTable(facts.rows.filter((row) => row[1] === modifier).reverse(), caption));
      }
      if (facts.parts) panel.append(node("h3", "Change by driver"), driverList(facts.parts));
      if (facts.primaries) panel.append(node("h3", "Primary codes"), node("p", "", ...codeLinks(facts.primaries)));
      if (facts.addOns) panel.append(node("h3", "Add-on codes"), node("p", "", ...codeLinks(facts.addOns)));
      const edits = [...editLists("Column 2 codes that bundle into it", facts.bundles), ...editLists("Bundles into", facts.into)];
      if (edits.length) panel.append(node("h3", "NCCI PTP edits"), ...edits);
      panel.append(...cmsRows(code));
    }
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
    title.focus();
  };

  for (const link of document.querySelectorAll("a[data-code]")) {
    if (data.codes[link.dataset.code]) link.href = `#code=${link.dataset.code}`;
    link.addEventListener("click", () => { opener = link; });
  }

  const reveal = () => {
    const code = /^#code=([0-9A-Z]{5})$/i.exec(location.hash);
    if (code) { openPanel(code[1].toUpperCase()); return; }
    if (panel.open) panel.close();
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let outer = target.parentElement; outer; outer = outer.parentElement) if (outer.tagName === "DETAILS") outer.open = true;
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView();
  };

  // Decisions are filled in on the page and downloaded as a file for `codeset approve --decisions`.
  const form = document.getElementById("decisions");
  if (form) {
    const button = node("button", "Download decisions.json");
    button.type = "button";
    const note = node("output");
    button.addEventListener("click", () => {
      const decisions = [...form.querySelectorAll("[data-outcome]")].map((row) => ({
        outcome: row.dataset.outcome,
        decision: (row.querySelector("input[type=radio]:checked") || {}).value || "",
        reason: row.querySelector(".reason").value.trim(),
      }));
      const open = decisions.filter(({ decision, reason }) => !decision || !reason).length;
      note.textContent = open ? `${open} without a decision or a reason` : "All decided.";
      const link = node("a");
      link.download = "decisions.json";
      const { release, comparedWith, review } = form.dataset;
      const file = { format: "1.0", release, compared_with: comparedWith, review, decisions: decisions.filter((each) => each.decision || each.reason) };
      link.href = `data:application/json,${encodeURIComponent(JSON.stringify(file, null, 1))}`;
      link.click();
    });
    form.append(button, " ", note);
  }

  // On paper the appendix is left out, unless it is asked for; what is folded elsewhere is opened, and folded again.
  const print = (appendix) => {
    document.body.classList.toggle("with-appendix", appendix);
    window.print();
  };
  const printing = node("p", "", ...[["Print", false], ["Print with appendix", true]].map(([text, appendix]) => {
    const button = node("button", text);
    button.type = "button";
    button.addEventListener("click", () => print(appendix));
    return button;
  }));
  printing.className = "printing";
  document.querySelector("nav").append(printing);

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    if (document.body.classList.contains("with-appendix")) for (const details of folded) details.open = true;
    for (const input of document.querySelectorAll("input")) input.setAttribute("value", input.value);
  });
  addEventListener("afterprint", () => { for (const details of folded) details.open = false; });

  // On a phone a row is a card: a table of hundreds is folded until it is asked for.
  if (matchMedia("(max-width: 56rem)").matches) for (const details of document.querySelectorAll("details.long")) details.open = false;

  for (const table of document.querySelectorAll("table")) roles(table);
  for (const table of document.querySelectorAll("table[data-filter]")) { filterable(table); sortable(table); }
  addEventListener("hashchange", reveal);
  reveal();
})();
