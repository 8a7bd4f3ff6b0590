// What is wrong with the page that is shown, one sentence each. Contrast is WCAG 2.2, 1.4.3; width is 1.4.10.
() => {
  const found = [];
  const say = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().right > 0;

  if (!["vi", "en"].includes(document.documentElement.lang)) found.push(`lang is "${document.documentElement.lang}"`);
  if (!document.title.trim()) found.push("no title");
  for (const single of ["h1", "main"]) {
    const count = document.querySelectorAll(single).length;
    if (count !== 1) found.push(`${count} elements <${single}>`);
  }
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) {
    found.push(`${document.documentElement.scrollWidth} px wide on a screen of ${document.documentElement.clientWidth} px`);
  }

  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) found.push(`id "${id}" twice`);
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (![...field.labels].some((label) => label.innerText.trim())) say("no label", field);
  }
  for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    const named = `${element.getAttribute("aria-describedby") ?? ""} ${element.getAttribute("aria-labelledby") ?? ""}`;
    for (const id of named.split(/\s+/).filter(Boolean)) if (!document.getElementById(id)) say(`refers to "${id}", which is not there`, element);
  }
  for (const element of document.querySelectorAll("a, button")) if (!element.innerText.trim()) say("has no words", element);
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    if (!document.getElementById(link.getAttribute("href").slice(1))) say("leads nowhere", link);
  }

  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const own = Number(heading.tagName[1]);
    if (level && own > level + 1) say(`heading after level ${level}`, heading);
    level = own;
  }

  const channel = (value) => (value <= 0.03928 * 255 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !seen(element)) continue;
    const style = getComputedStyle(element);
    const [darker, lighter] = [luminance(numbers(style.color)), luminance(behind(element))].sort((one, other) => one - other);
    const ratio = (lighter + 0.05) / (darker + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) say(`contrast ${ratio.toFixed(1)}`, element);
  }

  for (const target of document.querySelectorAll("button, select, input:not([type=hidden])")) {
    const box = target.getBoundingClientRect();
    if (seen(target) && (box.height < 24 || box.width < 24)) say(`only ${box.width}×${box.height} px to hit`, target);
  }
  return found;
};
