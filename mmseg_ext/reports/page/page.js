// Sort a table by a click on a heading, and show only the rows that hold the words of the filter.
'use strict';

/** The number in a cell: its data-value, else what its text begins with ("46.9 ± 1.2"); NaN for "–" and words. */
function valueOf(cell) {
  const text = 'value' in cell.dataset ? cell.dataset.value : cell.textContent.trim().replace('−', '-');
  return text === '' ? NaN : parseFloat(text);
}

/** Order of two cells: numbers before undefined ones in either direction, words by the alphabet. */
function compare(one, two, direction, numeric) {
  if (!numeric) return direction * one.textContent.trim().localeCompare(two.textContent.trim(), 'en', { numeric: true });
  const [a, b] = [valueOf(one), valueOf(two)];
  if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
  return direction * (a - b);
}

/** Rows of one model behind each other; the models in the order in which the first of their rows come. */
function gathered(rows) {
  const models = new Map();
  for (const row of rows) models.set(row.dataset.model, [...(models.get(row.dataset.model) || []), row]);
  return [...models.values()].flat();
}

function arrange(block) {
  const table = block.querySelector('table');
  const heading = table.querySelector('th[aria-sort]:not([aria-sort="none"])');
  let rows = [...block.original];
  if (heading) {
    const direction = heading.getAttribute('aria-sort') === 'ascending' ? 1 : -1;
    const numeric = heading.classList.contains('number');
    rows.sort((a, b) => compare(a.cells[heading.cellIndex], b.cells[heading.cellIndex], direction, numeric));
  }
  const together = block.querySelector('input[type="checkbox"]');
  if (together && together.checked) rows = gathered(rows);
  table.classList.toggle('sorted', Boolean(heading) && !(together && together.checked));
  rows.forEach((row, index) => row.classList.toggle('next', index > 0 && row.dataset.model !== rows[index - 1].dataset.model));
  table.tBodies[0].append(...rows);
}

/** First click: the highest number, or the first word; the next one turns it round, the third restores the order. */
function turn(heading) {
  const order = heading.classList.contains('number') ? ['none', 'descending', 'ascending'] : ['none', 'ascending', 'descending'];
  const next = order[(order.indexOf(heading.getAttribute('aria-sort')) + 1) % 3];
  for (const other of heading.parentElement.cells) other.setAttribute('aria-sort', 'none');
  heading.setAttribute('aria-sort', next);
}

function filter(block) {
  const words = block.querySelector('input[type="search"]').value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of block.original) {
    const text = [...row.cells].slice(0, 2).map((cell) => cell.textContent).join(' ').toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
  const shown = block.original.filter((row) => !row.hidden).length;
  block.querySelector('output').textContent = `${shown} of ${block.original.length} rows`;
}

for (const block of document.querySelectorAll('.scores')) {
  block.original = [...block.querySelectorAll('tbody tr')];
  block.querySelector('thead').addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    turn(button.parentElement);
    arrange(block);
  });
  block.querySelector('input[type="search"]').addEventListener('input', () => filter(block));
  const together = block.querySelector('input[type="checkbox"]');
  if (together) together.addEventListener('change', () => arrange(block));
  filter(block); // a reloaded page may keep the words
}
