// What a browser says about a page: a list of faults, empty when all is well.
() => {
  const faults = [];
  const visible = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    for (const e of document.querySelectorAll("body *")) {
      if (e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest(".scroll, .unseen")) {
        faults.push(`sideways: ${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 40)}`);
      }
    }
    if (faults.length === 0) faults.push("sideways: the page");
  }
  const headings = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].map((e) => +e.tagName[1]);
  if (headings.filter((level) => level === 1).length !== 1) faults.push("not one h1");
  headings.forEach((level, i) => { if (i && level > headings[i - 1] + 1) faults.push(`heading jumps to h${level}`); });
  for (const name of ["header", "main", "footer"]) {
    if (document.querySelectorAll(`body > ${name}`).length !== 1) faults.push(`not one ${name}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => faults.push(`id twice: ${id}`));
  for (const e of document.querySelectorAll("[aria-describedby],[aria-labelledby]")) {
    for (const name of ["aria-describedby", "aria-labelledby"]) {
      const id = e.getAttribute(name);
      if (id && !document.getElementById(id)) faults.push(`${name} leads nowhere: ${id}`);
    }
  }
  for (const e of document.querySelectorAll("a[href],button,summary,input:not([type=hidden]),select")) {
    if (!visible(e) || e.classList.contains("skip") || e.ariaHidden === "true") continue;
    const name = e.labels && e.labels.length ? e.labels[0].textContent : e.textContent;
    if (!name.trim()) faults.push(`no name: ${e.outerHTML.slice(0, 80)}`);
    const box = (e.labels && e.type === "checkbox" ? e.labels[0] : e).getBoundingClientRect();
    const inText = e.tagName === "A" && e.closest("p, dd, h2, h3");
    if (!inText && box.height < 43.5) faults.push(`small target (${box.height}): ${name.trim()}`);
  }
  const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const colour = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const [r, g, b, a = 1] = colour(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 24, 32] : [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !visible(e) || e.closest(".unseen, .skip")) continue;
    const [a, b] = [light(colour(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${node.data.trim().slice(0, 40)}`);
  }
  return [...new Set(faults)];
}
