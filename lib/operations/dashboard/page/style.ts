export const STYLE = `:root{--back:#fff;--panel:#f5f6f8;--line:#d8dce2;--text:#1a1d21;--dim:#5b636e;--accent:#0b5cad;--danger:#b3261e}
@media (prefers-color-scheme:dark){:root{--back:#14171a;--panel:#1e2328;--line:#363d45;--text:#e6e9ec;--dim:#9aa4af;--accent:#6cb2ff;--danger:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.45 system-ui,sans-serif}
header,main,#failure{max-width:1200px;margin:0 auto;padding:12px 20px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:8px 20px}
h1{font-size:20px;margin:0}h1 a{color:inherit;text-decoration:none}
h2{font-size:17px;margin:20px 0 4px;overflow-wrap:anywhere}h3{font-size:15px;margin:16px 0 4px}
#status{margin:0;color:var(--dim);flex:1;min-width:12em}
form{display:flex;flex-wrap:wrap;gap:8px 16px}
input,select,button{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:5px 9px;max-width:100%}
button{cursor:pointer}button.danger{color:var(--danger);border-color:var(--danger)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
a{color:var(--accent)}
.note{color:var(--dim);margin:0 0 6px}
#failure{color:var(--danger);font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px}
.tile{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
.tile p{margin:0;color:var(--dim)}.tile strong{display:block;font-size:22px;font-variant-numeric:tabular-nums}
.tile svg{display:block;width:100%;height:44px;margin-top:4px}
.tile small{display:block;color:var(--dim);min-height:1.45em;font-size:11px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;font-variant-numeric:tabular-nums}
.tile path{fill:none;stroke:var(--accent);stroke-width:2;vector-effect:non-scaling-stroke}.tile path.minor{stroke:var(--dim);stroke-width:1}
#detail-key:focus{outline:none}
table{width:100%;border-collapse:collapse}
th{text-align:left;color:var(--dim);font-weight:500}
th,td{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
td{font-variant-numeric:tabular-nums}td small{display:block;color:var(--dim)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:8px 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
ol{margin:0;padding-left:24px}
dialog{max-width:min(560px,94vw);border:1px solid var(--line);border-radius:10px;background:var(--back);color:var(--text);padding:16px 20px}
dialog::backdrop{background:rgb(0 0 0/.5)}dialog h2{margin-top:0}
#confirm-failure{color:var(--danger)}
.buttons{display:flex;justify-content:flex-end;gap:10px;margin-top:14px}
[hidden]{display:none!important}
@media (max-width:640px){
table,tbody{display:block}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{display:block;border-bottom:1px solid var(--line);padding:8px 0}
td{display:flex;gap:10px;border:0;padding:1px 0}td::before{content:attr(data-head);color:var(--dim);flex:0 0 6.5em}
form,label,input{width:100%}header,main{padding:10px 14px}.tiles{grid-template-columns:1fr 1fr}
}`;
