"""The style and the script of the API reference, which stand in the page itself: its policy names their hashes."""

STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1c2333; --soft: #5b6478; --line: #dfe3ea; --card: #f6f8fb;
  --accent: #2457c5; --get: #0b6b47; --post: #2457c5; --put: #8a4b00; --patch: #8a4b00; --delete: #b3261e }
@media (prefers-color-scheme: dark) { :root { --back: #10141c; --text: #e4e8f0; --soft: #9aa4b8; --line: #2b3342;
  --card: #181e29; --accent: #8ab4ff; --get: #6bd6a6; --post: #8ab4ff; --put: #f0b35c; --patch: #f0b35c;
  --delete: #ff8f86 } }
* { box-sizing: border-box }
html { scroll-behavior: smooth; scroll-padding-top: 1rem }
body { font: 15px/1.6 system-ui, sans-serif; margin: 0; background: var(--back); color: var(--text); display: grid;
  grid-template-columns: 19rem minmax(0, 1fr) }
a { color: var(--accent); text-decoration: none } a:hover { text-decoration: underline }
code, pre { font: .9em/1.5 ui-monospace, SFMono-Regular, Menlo, monospace }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid var(--line);
  background: var(--card); font-size: .9em }
nav ul { list-style: none; margin: .2rem 0 .6rem; padding: 0 }
nav li a { display: flex; gap: .5rem; align-items: baseline; padding: .1rem .4rem; border-radius: .3rem;
  color: inherit; overflow-wrap: anywhere }
nav li a:hover { background: var(--line); text-decoration: none } nav li b { min-width: 3.2rem; font-size: .75em }
nav summary { cursor: pointer; font-weight: 600; text-transform: capitalize } nav summary a { color: inherit }
.find { display: block; font-weight: 600; margin-bottom: .8rem }
.find input { display: block; width: 100%; margin-top: .2rem; padding: .45rem .6rem; font: inherit; color: inherit;
  font-weight: 400; background: var(--back); border: 1px solid var(--line); border-radius: .4rem }
main { padding: 1.5rem 2.5rem 6rem; max-width: 64rem; min-width: 0 }
h1 { margin: 0; font-size: 1.9rem } h2 { margin: 2.6rem 0 0; text-transform: capitalize }
h2 + p { margin-top: .2rem; color: var(--soft) } h4 { margin: 1.1rem 0 .3rem }
.soft, em { color: var(--soft) } em { font-style: normal; font-size: .88em }
.op { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; background: var(--card) }
.op[open] { background: var(--back) } .op > div { padding: 0 1rem 1rem }
.op > summary { cursor: pointer; padding: .5rem .8rem; display: flex; flex-wrap: wrap; gap: .2rem .7rem;
  align-items: baseline; list-style: none } .op > summary::-webkit-details-marker { display: none }
.op > summary span { color: var(--soft) } .op:target { border-color: var(--accent) }
.m { min-width: 3.6rem; font: 700 .8em ui-monospace, monospace }
.get { color: var(--get) } .post { color: var(--post) } .put { color: var(--put) } .patch { color: var(--patch) }
.delete { color: var(--delete) } u { text-decoration: none; color: var(--accent) }
.scope { margin-left: auto; font: .8em ui-monospace, monospace; border: 1px solid var(--line); border-radius: 1rem;
  padding: 0 .6rem; color: var(--soft) }
.must { color: var(--delete); padding-left: .15rem }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .93em }
td, th { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; border-top: 1px solid var(--line);
  overflow-wrap: anywhere } td:first-child { white-space: nowrap; width: 1% } tr:target td { background: var(--card) }
pre { position: relative; overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; padding: .7rem .9rem; margin: .4rem 0; max-height: 26rem }
pre button { position: absolute; top: .4rem; right: .4rem; font: inherit; font-size: .8em; color: var(--soft);
  background: var(--back); border: 1px solid var(--line); border-radius: .3rem; cursor: pointer; padding: .1rem .5rem }
@media (max-width: 52rem) { body { display: block } nav { position: static; height: auto; max-height: 60vh;
  border-right: 0; border-bottom: 1px solid var(--line) } main { padding: 1rem } .scope { margin-left: 0 }
  td:first-child { white-space: normal } }
@media print { nav { display: none } body { display: block } }
"""

SCRIPT = """
(() => {
  const field = document.getElementById('find'), none = document.getElementById('none');
  const every = [...document.querySelectorAll('.op')].map(one => [one, one.textContent.toLowerCase()]);
  const links = new Map([...document.querySelectorAll('nav li a')].map(a => [a.hash.slice(1), a.parentNode]));
  const search = () => {
    const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const [one, text] of every) {
      const fits = words.every(word => text.includes(word));
      one.hidden = !fits; shown += fits;
      if (links.has(one.id)) links.get(one.id).hidden = !fits;
    }
    for (const part of document.querySelectorAll('main section')) {
      const inside = part.querySelectorAll('.op');
      part.hidden = inside.length > 0 && [...inside].every(one => one.hidden);
    }
    for (const part of document.querySelectorAll('nav details'))
      part.hidden = [...part.querySelectorAll('li')].every(one => one.hidden);
    none.hidden = shown > 0;
  };
  field.addEventListener('input', search);
  document.addEventListener('keydown', event => {
    if (event.key === '/' && document.activeElement !== field) { event.preventDefault(); field.focus(); }
    if (event.key === 'Escape' && document.activeElement === field) { field.value = ''; search(); }
  });
  const open = () => {
    const one = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (one && one.tagName === 'DETAILS') { one.open = true; one.scrollIntoView(); }
  };
  addEventListener('hashchange', open); open();
  for (const block of document.querySelectorAll('pre')) {
    if (!navigator.clipboard) break;
    const button = document.createElement('button');
    button.type = 'button'; button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(block.firstChild.textContent);
      button.textContent = 'Copied'; setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    });
    block.append(button);
  }
})();
"""
