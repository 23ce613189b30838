/** What stands on the page before the first message. */
export const MARKUP = `<header>
<h1><a href="#" id="home">Locks</a></h1>
<p id="status" role="status" aria-live="polite">connecting …</p>
<form id="filter" role="search">
<label>Provider <select id="provider"></select></label>
<label>Search <input id="search" type="search" maxlength="200" autocomplete="off" placeholder="key, label, instance"></label>
</form>
</header>
<p id="failure" role="alert" hidden></p>
<main id="overview">
<section aria-label="Figures of the last five minutes" class="tiles" id="tiles"></section>
<section aria-labelledby="locks-title">
<h2 id="locks-title">Held locks</h2>
<p id="locks-note" class="note"></p>
<table id="locks"><thead><tr><th scope="col">Key</th><th scope="col">Holder</th><th scope="col">Held for</th><th scope="col">Expires in</th><th scope="col">Queue</th></tr></thead><tbody></tbody></table>
</section>
<section aria-labelledby="leaders-title">
<h2 id="leaders-title">Leaders</h2>
<p id="leaders-note" class="note"></p>
<table id="leaders"><thead><tr><th scope="col">Election</th><th scope="col">Leader</th><th scope="col">Instances</th><th scope="col">Expires in</th></tr></thead><tbody></tbody></table>
</section>
<section aria-labelledby="ticks-title">
<h2 id="ticks-title">Ticks</h2>
<p id="ticks-note" class="note"></p>
<table id="ticks"><thead><tr><th scope="col">Job or tick</th><th scope="col">Holder</th><th scope="col">Held for</th><th scope="col">Expires in</th></tr></thead><tbody></tbody></table>
</section>
<section aria-labelledby="records-title">
<h2 id="records-title">Records</h2>
<p id="records-note" class="note"></p>
<table id="records"><thead><tr><th scope="col">Name</th><th scope="col">Written</th></tr></thead><tbody></tbody></table>
</section>
</main>
<main id="detail" hidden>
<p><a href="#">All locks</a></p>
<h2 id="detail-key" tabindex="-1"></h2>
<p id="detail-state" class="note"></p>
<dl id="detail-facts"></dl>
<p><button type="button" id="release" class="danger" hidden>Release by hand …</button></p>
<section aria-labelledby="queue-title">
<h3 id="queue-title">Queue</h3>
<p id="queue-note" class="note"></p>
<ol id="queue"></ol>
</section>
<section aria-labelledby="grants-title">
<h3 id="grants-title">Last grants</h3>
<p id="grants-note" class="note">Seen while this page was open; shorter ones between two looks are missing.</p>
<table id="grants"><thead><tr><th scope="col">Holder</th><th scope="col">Token</th><th scope="col">From</th><th scope="col">For</th></tr></thead><tbody></tbody></table>
</section>
</main>
<dialog id="confirm" aria-labelledby="confirm-title">
<h2 id="confirm-title">Release this lock?</h2>
<p>Its holder may still be at work. It is told that the lock is lost, and the next in the queue gets it at once.</p>
<dl id="confirm-facts"></dl>
<p id="confirm-failure" role="alert" hidden></p>
<div class="buttons"><button type="button" id="confirm-no">Keep it</button><button type="button" id="confirm-yes" class="danger">Release</button></div>
</dialog>`;
