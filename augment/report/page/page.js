// Compare before and after, choose what is shown, and look at an edit in full size.
'use strict';

const dialog = document.getElementById('large');
const cards = [...document.querySelectorAll('.card')];
const rows = [...document.querySelectorAll('tr[data-id]')];

/** Pictures that stand twice on the page are once in the file. */
for (const copy of document.querySelectorAll('[data-copy]')) {
  copy.src = copy.closest('.card').querySelector(`.stage .${copy.dataset.copy}`).src;
}

function split(range, value = range.value) {
  range.value = value;
  range.closest('.stage').style.setProperty('--split', `${value}%`);
}

/** Show the difference or the label's outline on the stage of a tile's card, or no longer. */
function toggle(tile) {
  const card = tile.closest('.card, .holder');
  const shown = card.classList.toggle(`show-${tile.dataset.show}`);
  tile.setAttribute('aria-pressed', String(shown));
  if (tile.dataset.show !== 'difference') return;
  const picture = card.querySelector('.stage .difference');
  picture.src = tile.querySelector('img').src;
  picture.hidden = !shown;
}

const filters = [...document.querySelectorAll('[data-filter]')];

function chosen(element) {
  return filters.every(({ dataset: { filter }, value }) => {
    const own = element.dataset[filter];
    if (!value) return true;
    if (filter === 'id') return own.toLowerCase().includes(value.trim().toLowerCase());
    return filter === 'gates' ? own.split(' ').includes(value) : own === value;
  });
}

/** Hide what the filters leave out, and words of which nothing is left. */
function filter() {
  for (const element of [...cards, ...rows]) element.hidden = !chosen(element);
  for (const section of document.querySelectorAll('section.word')) {
    section.hidden = !section.querySelector('.card:not([hidden])');
  }
  const shown = rows.filter((row) => !row.hidden).length;
  const pictured = cards.filter((card) => !card.hidden).length;
  const output = document.querySelector('.controls output');
  if (output) output.textContent = `${shown} of ${rows.length} edits, ${pictured} with pictures`;
}

/** Put a copy of a card into the dialog. */
function enlarge(card) {
  const holder = dialog.querySelector('.holder');
  holder.className = card.className.replace('card', 'holder');
  holder.replaceChildren(...['.stage', '.strip', '.about'].map((part) => card.querySelector(part).cloneNode(true)));
  dialog.querySelector('strong').textContent = `${card.dataset.id.replace('__', ', ')}`;
  dialog.card = card;
  if (!dialog.open) dialog.showModal();
}

function step(by) {
  const shown = cards.filter((card) => !card.hidden);
  enlarge(shown[(shown.indexOf(dialog.card) + by + shown.length) % shown.length]);
}

document.addEventListener('input', ({ target }) => {
  if (target.matches('.stage input')) split(target);
  if (target.id === 'all') for (const range of document.querySelectorAll('.stage input')) split(range, target.value);
  if (target.id === 'outlines') document.body.classList.toggle('outlines', target.checked);
  if (target.dataset.filter) filter();
});

document.addEventListener('click', ({ target }) => {
  const button = target.closest('button');
  if (!button) return;
  if (button.dataset.show) toggle(button);
  if (button.matches('.enlarge')) enlarge(button.closest('.card'));
  if (button.dataset.step) step(Number(button.dataset.step));
  if ('close' in button.dataset) dialog.close();
});

dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});

dialog.addEventListener('keydown', (event) => {
  if (event.target.matches('input')) return; // there the arrows move the line
  if (event.key === 'ArrowLeft') step(-1);
  if (event.key === 'ArrowRight') step(1);
});

if (filters.length) filter(); // a reloaded page may keep what was chosen
