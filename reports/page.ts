// The pieces of an HTML page: escaped text, tables, figures and the one style sheet. Nothing is loaded from anywhere.

/** HTML that is already safe; everything else is text. */
export type Html = { readonly html: string };

export type Content = Html | string | number | readonly Content[];

/** A template whose every value is escaped, unless it is `Html` itself. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return { html: parts.map((part, i) => part + (i < values.length ? rendered(values[i]) : '')).join('') };
}

/** Only for markup of our own making, such as a chart's SVG. */
export const trusted = (markup: string): Html => ({ html: markup });

function rendered(content: Content): string {
  if (typeof content === 'string' || typeof content === 'number') return escapeHtml(String(content));
  return 'html' in content ? content.html : content.map(rendered).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, character => ENTITIES[character]);

/** The first column heads its rows. `numeric`: columns, by index, that align right. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Content[])[],
  numeric: readonly number[] = [],
): Html {
  const align = (column: number) => trusted(numeric.includes(column) ? ' class="number"' : '');
  const cell = (content: Content, column: number) =>
    column === 0 ? html`<th scope="row">${content}</th>` : html`<td${align(column)}>${content}</td>`;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((title, column) => html`<th scope="col"${align(column)}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map(row => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table></div>`;
}

export const NOTHING = html``;

/** A list of names and what they are. */
export function definitions(items: readonly (readonly [string, Content])[]): Html {
  return html`<dl>${items.map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>`;
}

/** The caption says in words what the drawing shows. */
export function figure(caption: string, svg: string): Html {
  return html`<figure>${trusted(svg)}<figcaption>${caption}</figcaption></figure>`;
}

export function page(title: string, body: Content): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`.html;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #fff; --panel: #f4f6f8; --line: #d5dbe2;
  --good: #12703a; --bad: #b3261e; --open: #8a5300; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #a3aebb; --paper: #14181d; --panel: #1d232a;
  --line: #39424d; --good: #6bd08f; --bad: #ff8f86; --open: #f0b65a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
p { margin: .4rem 0; max-width: 62rem; }
.soft, figcaption, caption { color: var(--soft); }
.verdict { margin: 1rem 0; font-size: 1.1rem; }
.badge { display: inline-block; padding: .1rem .6rem; border: 2px solid currentColor; border-radius: .4rem;
  font-weight: 700; white-space: nowrap; }
td .badge { border-width: 1px; padding: 0 .4rem; font-size: .9em; }
.PASS { color: var(--good); } .FAIL { color: var(--bad); } .INCONCLUSIVE, .NO_DATA { color: var(--open); }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .93em; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; }
th:first-child { padding-left: 0; }
td code, th code { overflow-wrap: normal; }
.whole, tbody .number { white-space: nowrap; }
.number { text-align: right; }
.source { display: block; min-width: 16rem; overflow-wrap: anywhere; }
.figures { columns: 2 28rem; column-gap: 1rem; margin: 1rem 0; }
figure { break-inside: avoid; margin: 0 0 1rem; padding: 1rem; background: var(--panel); border-radius: .5rem; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { margin-top: .5rem; font-size: .9rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: .75rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
summary { cursor: pointer; }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere; }
.alert { max-width: none; margin: .5rem 0; border-left: 4px solid var(--bad); padding: .25rem 1rem; background: var(--panel); }
@media (max-width: 40rem) { body { padding-inline: 1rem; } figure { padding: .75rem .5rem; }
  table { width: max-content; min-width: 100%; } caption { max-width: calc(100vw - 2rem); } th, td { max-width: 18rem; }
  th, td, td code, th code { overflow-wrap: anywhere; } tbody th { max-width: 11rem; }
  dl { grid-template-columns: 100%; gap: 0; } dd { margin-bottom: .5rem; } }
`;
