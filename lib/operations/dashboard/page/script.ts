import { JOINING, unprintable } from '../../../errors/unprintable.js';

const TO_ESCAPE = String.raw`${unprintable('\\\\').source}|^ +| +$`;

/**
 * What the page does. Texts from outside (keys, owners, labels) only ever become the `textContent` of an element, and the
 * Content-Security-Policy of the page forbids every other way.
 */
export const SCRIPT = String.raw`'use strict';
(() => {
  const base = location.pathname.replace(/\/+$/, '');
  const by = (id) => document.getElementById(id);
  const view = { provider: undefined, search: '', key: undefined, last: undefined, source: undefined, seen: undefined };

  const make = (tag, text, attributes) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    return element;
  };
  // A text from outside, as the command line shows it: no two look the same.
  const escaped = (character) => {
    const code = character.codePointAt(0);
    return code < 128 ? '\\x' + code.toString(16).padStart(2, '0') : code < 65536 ? '\\u' + code.toString(16).padStart(4, '0') : '\\U' + code.toString(16).padStart(8, '0');
  };
  const visible = (text) => {
    const pattern = text.normalize() === text ? /${TO_ESCAPE}/gu : /${TO_ESCAPE}|[${JOINING}]|([^\0-\x7f])/gu;
    return text.replace(pattern, (found, other) => {
      if (typeof other === 'string' && other.normalize() === other) return other;
      return found === '\\' ? '\\\\' : [...found].map(escaped).join('');
    });
  };
  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  const time = (ms) => {
    if (ms === null || ms === undefined) return '–';
    if (ms < 1000) return Math.round(ms) + ' ms';
    const s = Math.floor(ms / 1000);
    if (s < 60) return s + ' s';
    if (s < 3600) return Math.floor(s / 60) + ' min ' + (s % 60) + ' s';
    if (s < 86400) return Math.floor(s / 3600) + ' h ' + Math.floor((s % 3600) / 60) + ' min';
    return Math.floor(s / 86400) + ' d ' + Math.floor((s % 86400) / 3600) + ' h';
  };
  const expiry = (ttl) => (ttl === null ? 'never' : time(ttl));
  const number = (value) => value.toLocaleString('en');
  const holder = ({ label, instanceId, ownerId }) => [label || instanceId || ownerId, label ? instanceId || ownerId : ''].map(visible);
  const address = (key) => '#key=' + encodeURIComponent(key);
  const plural = (count, one, many) => number(count) + ' ' + (count === 1 ? one : many);

  // On a phone the style makes blocks of tables, which then are tables by their roles alone.
  const ROLES = { table: 'table', thead: 'rowgroup', tbody: 'rowgroup', tr: 'row', th: 'columnheader' };
  for (const name in ROLES) for (const element of document.querySelectorAll(name)) element.setAttribute('role', ROLES[name]);

  // Rows stay the same elements from message to message, so that focus and selection stay.
  const sync = (table, rows, idOf, fill) => {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    const known = new Map([...body.rows].map((row) => [row.dataset.id, row]));
    let next = body.firstElementChild;
    for (const one of rows) {
      const id = idOf(one);
      let row = known.get(id);
      known.delete(id);
      if (!row) {
        row = make('tr', undefined, { role: 'row' });
        row.dataset.id = id;
        for (const head of heads) row.append(make('td', undefined, { role: 'cell', 'data-head': head }));
      }
      if (row === next) next = next.nextElementSibling;
      else body.insertBefore(row, next);
      fill([...row.cells], one);
    }
    for (const row of known.values()) row.remove();
    table.hidden = rows.length === 0;
  };
  const two = (cell, text, small) => {
    if (!cell.firstElementChild) cell.append(make('span'), make('small'));
    write(cell.firstElementChild, text);
    write(cell.lastElementChild, small || '');
  };
  const link = (cell, key) => {
    if (!cell.firstElementChild) cell.append(make('a', visible(key), { href: address(key) }));
  };

  // A length of time that was measured: of it two digits are known.
  const span = (ms) => (ms < 1000 ? Number(ms.toPrecision(2)) + ' ms' : ms < 10000 ? (ms / 1000).toFixed(1) + ' s' : time(ms));
  // Where a value is null the line has a gap.
  const pathOf = (values, most) => {
    const step = values.length > 1 ? 100 / (values.length - 1) : 0;
    let path = '';
    let drawn = false;
    values.forEach((value, i) => {
      if (value !== null) path += (drawn ? 'L' : 'M') + (i * step).toFixed(1) + ' ' + (38 - (value / most) * 36).toFixed(1);
      drawn = value !== null;
    });
    return path;
  };
  const lastOf = (samples) => (samples.length === 0 ? undefined : samples[samples.length - 1]);
  const tile = (title, lines, describe) => {
    const box = make('div', undefined, { class: 'tile' });
    const value = make('strong');
    const more = make('small');
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const paths = lines.map((_, i) => {
      const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      if (i > 0) path.setAttribute('class', 'minor');
      svg.append(path);
      return path;
    });
    svg.setAttribute('viewBox', '0 0 100 40');
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('role', 'img');
    box.append(make('p', title), value, more, svg);
    by('tiles').append(box);
    return (samples) => {
      const values = lines.map((read) => samples.map(read));
      const most = Math.max(1, ...values.flat().filter((one) => one !== null));
      const { text, small, label } = describe(lastOf(samples), most);
      write(value, text);
      write(more, small);
      paths.forEach((path, i) => path.setAttribute('d', pathOf(values[i], most)));
      if (svg.getAttribute('aria-label') !== label) svg.setAttribute('aria-label', label);
    };
  };
  const figure = (name, title, form) => tile(title, [(sample) => sample[name]], (last, most) => {
    const text = form(last ? last[name] : 0);
    return { text, small: '', label: title + ': now ' + text + ', at most ' + form(most) + ' in the last minutes' };
  });
  const percentiles = (name, title) => tile(title + ', P95', ['p95', 'p50', 'p99'].map((rank) => (sample) => (sample[name] ? sample[name][rank] : null)), (last) => {
    const seen = last && last[name];
    if (!seen) return { text: '–', small: 'none in the last minute', label: title + ': none in the last minute' };
    const { p50, p95, p99, count } = seen;
    const small = 'P50 ' + span(p50) + ' · P99 ' + span(p99);
    return { text: span(p95), small, label: title + ' in this instance: ' + small.replace(' · ', ', P95 ' + span(p95) + ', ') + ' of ' + number(count) + ' in the last minute' };
  });
  const tiles = [
    figure('held', 'held', number),
    figure('waiting', 'waiting', number),
    figure('longestHold', 'longest hold', time),
    figure('longestWait', 'longest wait', time),
    percentiles('waits', 'waits'),
    percentiles('holds', 'holds'),
  ];

  const facts = (list, pairs) => {
    pairs.forEach(([name, text], index) => {
      const at = index * 2;
      if (!list.children[at]) list.append(make('dt'), make('dd'));
      write(list.children[at], name);
      write(list.children[at + 1], text);
    });
    while (list.children.length > pairs.length * 2) list.lastElementChild.remove();
  };
  const factsOf = (lock) => [
    ['Label', visible(lock.label || '–')],
    ['Instance', visible(lock.instanceId || 'unknown')],
    ['Owner', visible(lock.ownerId)],
    ['Token', lock.fencingToken === null ? 'none: a lock of other software' : String(lock.fencingToken)],
    ['Held for', time(lock.heldFor)],
    ['Expires in', expiry(lock.ttl)],
    ['Waiters', number(lock.waiters)],
  ];

  const showOverview = (shown) => {
    for (const tile of tiles) tile(shown.samples);
    const few = shown.locks.length < shown.matching;
    write(by('locks-note'), (view.search ? plural(shown.matching, 'lock matches', 'locks match') + ' of ' + number(shown.held) : plural(shown.held, 'lock', 'locks'))
      + (few ? '. The first ' + number(shown.locks.length) + ' are shown: search to see others.' : ''));
    sync(by('locks'), shown.locks, (lock) => lock.key, (cells, lock) => {
      link(cells[0], lock.key);
      two(cells[1], ...holder(lock));
      write(cells[2], time(lock.heldFor));
      write(cells[3], expiry(lock.ttl));
      two(cells[4], lock.waiters === 0 ? '–' : plural(lock.waiters, 'waiter', 'waiters'), lock.queue.map((one) => visible(one.instanceId || one.processId)).join(', '));
    });
    write(by('leaders-note'), shown.leaders.length === 0 ? 'No election has a leader.' : '');
    sync(by('leaders'), shown.leaders, (leader) => leader.name, (cells, leader) => {
      write(cells[0], visible(leader.name));
      two(cells[1], visible(leader.instanceId), 'token ' + leader.fencingToken);
      write(cells[2], number(leader.instances));
      write(cells[3], expiry(leader.ttl));
    });
    write(by('ticks-note'), shown.ticks.length === 0 ? 'No scheduled job runs, and none has left a mark.' : '');
    sync(by('ticks'), shown.ticks, (tick) => tick.key, (cells, tick) => {
      link(cells[0], tick.key);
      two(cells[1], ...holder(tick));
      write(cells[2], time(tick.heldFor));
      write(cells[3], expiry(tick.ttl));
    });
    const records = shown.records || [];
    write(by('records-note'), shown.records === null ? 'This store keeps none.' : records.length === 0 ? 'There are none.' : 'Their values are not shown.');
    sync(by('records'), records, (record) => record.name, (cells, record) => {
      write(cells[0], visible(record.name));
      write(cells[1], time(record.age) + ' ago');
    });
  };

  const showKey = (shown) => {
    const { name, lock, grants } = shown.key;
    write(by('detail-key'), visible(name));
    write(by('detail-state'), lock ? 'Held.' : 'Free.');
    facts(by('detail-facts'), lock ? factsOf(lock) : []);
    by('release').hidden = !lock || !shown.allowRelease;
    const queue = lock ? lock.queue : [];
    write(by('queue-note'), queue.length === 0 ? 'No process waits.' : '');
    const list = by('queue');
    queue.forEach((one, index) => {
      if (!list.children[index]) list.append(make('li'));
      write(list.children[index], visible(one.instanceId || one.processId) + ', seen waiting for ' + time(one.waits));
    });
    while (list.children.length > queue.length) list.lastElementChild.remove();
    sync(by('grants'), grants, (grant) => grant.ownerId + ' ' + grant.fencingToken, (cells, grant) => {
      two(cells[0], ...holder(grant));
      write(cells[1], String(grant.fencingToken));
      write(cells[2], new Date(grant.from).toLocaleTimeString('en-GB'));
      write(cells[3], grant.until === null ? 'held' : time(grant.until - grant.from));
    });
  };

  const show = (shown) => {
    view.last = shown;
    view.provider = shown.provider;
    const select = by('provider');
    if (select.children.length !== shown.providers.length) {
      select.replaceChildren(...shown.providers.map((id) => make('option', id)));
      select.closest('label').hidden = shown.providers.length < 2;
    }
    select.value = shown.provider;
    write(by('status'), 'as ' + visible(shown.instanceId) + ' sees it' + (shown.allowRelease ? '' : ', read-only'));
    by('failure').hidden = shown.failure === null;
    write(by('failure'), shown.failure || '');
    by('overview').hidden = shown.key !== null;
    by('detail').hidden = shown.key === null;
    if (shown.key) showKey(shown);
    else showOverview(shown);
    follow.focus(shown.key ? shown.key.name : undefined);
  };

  const connect = () => {
    if (view.source) view.source.close();
    const query = new URLSearchParams();
    if (view.provider !== undefined) query.set('provider', view.provider);
    if (view.search !== '') query.set('search', view.search);
    if (view.key !== undefined) query.set('key', view.key);
    const source = (view.source = new EventSource(base + '/events?' + query));
    source.onmessage = ({ data }) => {
      if (source === view.source) show(JSON.parse(data));
    };
    // The server has the page ask again, so that it passes the guards again.
    source.addEventListener('renew', () => {
      if (source === view.source) connect();
    });
    source.onerror = () => {
      if (source !== view.source) return;
      const over = source.readyState === EventSource.CLOSED;
      const old = view.last ? ' This is of ' + new Date(view.last.at).toLocaleTimeString('en-GB') + '.' : '';
      write(by('status'), (over ? 'refused: too many pages are open, or you may no longer look. Trying again …' : 'connection lost, trying again …') + old);
      if (over) setTimeout(() => { if (source === view.source) connect(); }, 10000);
    };
  };

  // A page that nobody sees takes no place among those that may be open.
  let hiding;
  const noteSight = () => {
    clearTimeout(hiding);
    if (!document.hidden) {
      if (!view.source) connect();
      return;
    }
    hiding = setTimeout(() => {
      if (view.source) view.source.close();
      view.source = undefined;
      write(by('status'), 'paused while this page is hidden');
    }, 60000);
  };

  const follow = () => {
    const match = /^#key=(.*)$/.exec(location.hash);
    let key;
    try { key = match ? decodeURIComponent(match[1]) : undefined; } catch { key = undefined; }
    view.key = key;
    document.title = key === undefined ? 'Locks' : visible(key) + ' – Locks';
    connect();
  };

  // The focus goes with the view: what had it is hidden now.
  let focused;
  follow.focus = (key) => {
    if (key === focused) return;
    const before = focused;
    focused = key;
    if (key !== undefined) by('detail-key').focus();
    else ([...document.querySelectorAll('#overview a')].find((one) => before !== undefined && one.textContent === visible(before)) || by('home')).focus();
  };

  const ask = () => {
    const lock = view.last && view.last.key && view.last.key.lock;
    if (!lock) return;
    const { key, ownerId, fencingToken, lease } = lock;
    view.seen = { provider: view.last.provider, key, ownerId, fencingToken, lease };
    facts(by('confirm-facts'), [['Key', visible(lock.key)], ...factsOf(lock)]);
    by('confirm-failure').hidden = true;
    by('confirm-yes').disabled = false;
    by('confirm').showModal();
    by('confirm-no').focus();
  };
  const release = async () => {
    by('confirm-yes').disabled = true;
    let failure = 'The server could not be reached.';
    try {
      const answer = await fetch(base + '/release', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Nestjs-Locking': 'dashboard' },
        body: JSON.stringify(view.seen),
      });
      if (answer.ok) {
        by('confirm').close();
        connect();
        return;
      }
      failure = 'Status ' + answer.status;
      failure = (await answer.json()).message || failure;
    } catch { /* told below */ }
    write(by('confirm-failure'), String(failure));
    by('confirm-failure').hidden = false;
  };

  let typing;
  by('search').addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      view.search = by('search').value.trim();
      if (view.key !== undefined) location.hash = '';
      else connect();
    }, 250);
  });
  by('filter').addEventListener('submit', (event) => event.preventDefault());
  by('provider').addEventListener('change', () => {
    view.provider = by('provider').value;
    connect();
  });
  by('release').addEventListener('click', ask);
  by('confirm-no').addEventListener('click', () => by('confirm').close());
  by('confirm-yes').addEventListener('click', release);
  addEventListener('hashchange', follow);
  document.addEventListener('visibilitychange', noteSight);
  follow();
  noteSight();
})();
`;
