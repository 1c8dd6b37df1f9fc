"use strict";(self.rspackChunkmixpeek_lab=self.rspackChunkmixpeek_lab||[]).push([[700],{851(o,e,t){var r=t(126),a=t.n(r),i=t(719),n=(t.n(i))()(a());n.push([o.id,`/* The sidebar of Mixpeek Lab: JupyterLab's own tokens, so that every theme fits. */
.mxl {
  --mxl-muted: color-mix(in srgb, var(--jp-ui-font-color1) 78%, var(--jp-layout-color1));
  background: var(--jp-layout-color1);
  color: var(--jp-ui-font-color1);
  font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1);
  line-height: 1.4;
  display: flex;
  flex-direction: column;
  min-width: 200px;
  overflow: hidden;
}
.mxl button {
  font: inherit;
  color: inherit;
}
.mxl :focus-visible {
  outline: 2px solid var(--jp-brand-color1);
  outline-offset: -2px;
}
.mxl p {
  margin: 0;
}
.mxl [hidden] {
  display: none;
}

/* ---------------------------------------------------------------- head */
.mxl-head {
  display: flex;
  flex-direction: column;
  gap: 8px;
  padding: 10px 12px;
  border-bottom: var(--jp-border-width) solid var(--jp-border-color2);
}
.mxl-state {
  display: flex;
  align-items: flex-start;
  gap: 6px;
}
.mxl-state > .mxl-dot {
  margin-top: 5px;
}
.mxl-state-words {
  flex: 1;
  min-width: 0;
}
.mxl-state-words strong {
  display: block;
  font-weight: 600;
}
.mxl-state-words span {
  display: block;
  color: var(--mxl-muted);
  overflow-wrap: anywhere;
}
.mxl-filter {
  box-sizing: border-box;
  width: 100%;
  height: 26px;
  padding: 0 8px;
  border: var(--jp-border-width) solid var(--jp-border-color1);
  border-radius: var(--jp-border-radius);
  background: var(--jp-input-background, var(--jp-layout-color1));
  color: var(--jp-ui-font-color0);
  font: inherit;
}
.mxl-filter::placeholder {
  color: var(--mxl-muted);
}
.mxl-error {
  color: var(--jp-error-color1);
  overflow-wrap: anywhere;
}

.mxl-dot {
  flex: none;
  width: 8px;
  height: 8px;
  border-radius: 50%;
  background: transparent;
}
.mxl-dot[data-state='ok'],
.mxl-dot[data-state='ready'] {
  background: var(--jp-success-color1);
}
.mxl-dot[data-state='busy'],
.mxl-dot[data-state='starting'] {
  border: 2px solid var(--jp-brand-color1);
  border-right-color: transparent;
  box-sizing: border-box;
  animation: mxl-turn 1.2s linear infinite;
}
.mxl-dot[data-state='warning'] {
  background: var(--jp-warn-color1);
  border-radius: 1px;
  transform: rotate(45deg) scale(0.85);
}
.mxl-dot[data-state='error'],
.mxl-dot[data-state='failed'] {
  background: var(--jp-error-color1);
  border-radius: 1px;
}
.mxl-dot[data-state='not started'] {
  border: 1.5px solid var(--mxl-muted);
  box-sizing: border-box;
}
@keyframes mxl-turn {
  to {
    transform: rotate(1turn);
  }
}

/* ---------------------------------------------------------------- sections */
.mxl-sections {
  flex: 1;
  overflow-y: auto;
  margin: 0;
  padding: 0 0 12px;
  list-style: none;
}
.mxl-section:focus-visible,
.mxl-item:focus-visible {
  outline: none;
}
.mxl-section:focus-visible > .mxl-heading,
.mxl-item:focus-visible > .mxl-row {
  outline: 2px solid var(--jp-brand-color1);
  outline-offset: -2px;
}
.mxl-section + .mxl-section {
  border-top: var(--jp-border-width) solid var(--jp-border-color3);
}
.mxl-heading,
.mxl-line,
.mxl-more {
  display: flex;
  align-items: center;
  border: 0;
  background: none;
  text-align: left;
  cursor: pointer;
}
.mxl-heading {
  box-sizing: border-box;
  width: 100%;
  height: 30px;
  padding: 0 12px 0 6px;
  gap: 4px;
}
.mxl-heading:hover,
.mxl-row:hover,
.mxl-row:focus-within,
.mxl-item:focus-visible > .mxl-row,
.mxl-more:hover {
  background: var(--jp-layout-color2);
}
.mxl-caret {
  display: inline-flex;
}
.mxl-title {
  flex: 1;
  font-weight: 600;
}
.mxl-count,
.mxl-detail {
  color: var(--mxl-muted);
  font-variant-numeric: tabular-nums;
}
.mxl-items {
  margin: 0;
  padding: 0 0 6px;
  list-style: none;
}
.mxl-row {
  position: relative;
  display: flex;
  align-items: center;
  min-height: 26px;
}
.mxl .mxl-line {
  flex: 1;
  min-width: 0;
  min-height: 26px;
  gap: 6px;
  padding: 0 12px 0 13px;
}
.mxl .mxl-name {
  flex: 0 1 auto;
  min-width: 0;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
}
/* The name takes the room: what it holds is cut first, down to a few letters. */
.mxl-detail {
  flex: 0 1000 auto;
  min-width: 2em;
  margin-left: auto;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
  text-align: right;
}
.mxl-detail.mxl-short {
  flex-shrink: 0;
}
.mxl-actions {
  display: flex;
  flex: none;
  padding-right: 6px;
}
/* The buttons are there for the pointer and the keyboard; the line is calm without them. */
.mxl-row .mxl-actions {
  position: absolute;
  right: 0;
  height: 100%;
  align-items: center;
  padding-left: 12px;
  background: linear-gradient(to right, transparent, var(--jp-layout-color2) 12px);
  opacity: 0;
  pointer-events: none;
}
.mxl-row:hover .mxl-actions,
.mxl-row:focus-within .mxl-actions,
.mxl-item:focus > .mxl-row .mxl-actions {
  opacity: 1;
  pointer-events: auto;
}
@media (hover: none) {
  .mxl-row .mxl-actions {
    position: static;
    padding: 0 2px 0 0;
    opacity: 1;
    pointer-events: auto;
    background: none;
  }
  .mxl-row .mxl-icon {
    width: 22px;
  }
  .mxl .mxl-line {
    padding-right: 4px;
  }
}
.mxl-icon {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  width: 24px;
  height: 24px;
  padding: 0;
  border: 0;
  border-radius: var(--jp-border-radius);
  background: none;
  cursor: pointer;
}
.mxl-icon:hover {
  background: var(--jp-layout-color3);
}
.mxl-icon span {
  display: inline-flex;
}
.mxl-more {
  width: 100%;
  min-height: 26px;
  padding: 0 12px 0 29px;
  color: var(--jp-content-link-color, var(--jp-brand-color1));
}
.mxl-note {
  padding: 4px 12px 12px 29px;
  color: var(--mxl-muted);
}
.mxl-note .mxl-small {
  margin-top: 8px;
}
.mxl-facts {
  display: grid;
  grid-template-columns: auto 1fr;
  gap: 2px 12px;
  margin: 0;
  padding: 2px 12px 8px 29px;
  font-size: var(--jp-ui-font-size0, 0.9em);
}
.mxl-facts dt {
  color: var(--mxl-muted);
}
.mxl-facts dd {
  margin: 0;
  overflow-wrap: anywhere;
}
.mxl-now {
  color: var(--jp-content-link-color, var(--jp-brand-color1));
  font-variant-numeric: tabular-nums;
  padding-right: 6px;
}
.mxl-late {
  color: var(--mxl-muted);
}
.mxl-bar {
  height: 3px;
  margin: 0 12px 3px 29px;
  border-radius: 2px;
  background: var(--jp-layout-color3);
  overflow: hidden;
}
.mxl-bar span {
  display: block;
  height: 100%;
  background: var(--jp-brand-color1);
}
.mxl button.mxl-small {
  border: var(--jp-border-width) solid var(--jp-border-color1);
  background: var(--jp-layout-color2);
  color: var(--jp-ui-font-color1);
  height: 24px;
  line-height: 22px;
  padding: 0 10px;
  font-size: var(--jp-ui-font-size1);
  cursor: pointer;
}
.mxl button.mxl-small:hover {
  background: var(--jp-layout-color3);
}

/* ---------------------------------------------------------------- nothing to show */
.mxl-gap {
  display: flex;
  flex-direction: column;
  align-items: flex-start;
  gap: 12px;
  padding: 24px 16px;
}
.mxl-gap h2 {
  margin: 0;
  font-size: var(--jp-ui-font-size2);
  font-weight: 600;
}
.mxl-gap p {
  color: var(--mxl-muted);
}
.mxl-gap p.mxl-error {
  color: var(--jp-error-color1);
}
.mxl button.mxl-main {
  color: var(--jp-ui-inverse-font-color1, #fff);
  cursor: pointer;
}
.mxl-code {
  color: var(--mxl-muted);
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size);
}

.mxl-losses p {
  margin: 0 0 8px;
}
.mxl-losses ul {
  margin: 0;
  padding-left: 18px;
}

/* ---------------------------------------------------------------- status bar, squiggles */
.mxl-status-button {
  display: flex;
  align-items: center;
  gap: 4px;
  height: 100%;
  padding: 0 4px;
  border: 0;
  background: none;
  color: inherit;
  font: inherit;
  cursor: pointer;
}
.mxl-status-button:focus-visible {
  outline: 2px solid var(--jp-brand-color1);
  outline-offset: -2px;
}
.mxl-status-icon {
  display: inline-flex;
}
.cm-tooltip .cm-tooltip-lint {
  max-width: 480px;
  color: var(--jp-ui-font-color1);
  font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1);
}
.cm-tooltip .cm-tooltip-lint .cm-diagnostic {
  padding: 6px 10px;
  white-space: pre-line;
}
.cm-tooltip .cm-tooltip-lint .cm-diagnosticSource {
  color: var(--jp-ui-font-color2);
  opacity: 1;
}
.cm-tooltip .cm-tooltip-lint .cm-diagnosticAction {
  display: block;
  margin: 6px 0 4px;
  padding: 3px 8px;
  border: 0;
  border-radius: var(--jp-border-radius);
  background: var(--jp-brand-color1);
  color: var(--jp-ui-inverse-font-color1, #fff);
  font: inherit;
  cursor: pointer;
}

@media (prefers-reduced-motion: reduce) {
  .mxl-dot {
    animation: none !important;
  }
}

/* ---------------------------------------------------------------- pictures of the tutorials */
/* Each is there twice. Pages without this sheet go by the attribute \`hidden\` of the dark one. */
.mixpeek-dark,
[data-jp-theme-light='false'] .mixpeek-light {
  display: none;
}
[data-jp-theme-light='false'] .mixpeek-dark {
  display: inline;
}

/* ---------------------------------------------------------------- a run, in a page loaded meanwhile */
.mixpeek-lab-under-way {
  display: grid;
  gap: 4px;
  max-width: 640px;
  padding: 6px 0;
  color: var(--jp-content-font-color1);
  font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1);
  font-variant-numeric: tabular-nums;
}
.mixpeek-lab-under-way progress {
  width: 100%;
  height: 8px;
  accent-color: var(--jp-brand-color1);
}
.mixpeek-lab-under-way p {
  margin: 0;
  color: var(--jp-content-font-color2);
}
`,""]),t.d(e,{},{A:n})},719(o){o.exports=function(o){var e=[];return e.toString=function(){return this.map(function(e){var t="",r=void 0!==e[5];return e[4]&&(t+="@supports (".concat(e[4],") {")),e[2]&&(t+="@media ".concat(e[2]," {")),r&&(t+="@layer".concat(e[5].length>0?" ".concat(e[5]):""," {")),t+=o(e),r&&(t+="}"),e[2]&&(t+="}"),e[4]&&(t+="}"),t}).join("")},e.i=function(o,t,r,a,i){"string"==typeof o&&(o=[[null,o,void 0]]);var n={};if(r)for(var l=0;l<this.length;l++){var p=this[l][0];null!=p&&(n[p]=!0)}for(var s=0;s<o.length;s++){var d=[].concat(o[s]);r&&n[d[0]]||(void 0!==i&&(void 0===d[5]||(d[1]="@layer".concat(d[5].length>0?" ".concat(d[5]):""," {").concat(d[1],"}")),d[5]=i),t&&(d[2]&&(d[1]="@media ".concat(d[2]," {").concat(d[1],"}")),d[2]=t),a&&(d[4]?(d[1]="@supports (".concat(d[4],") {").concat(d[1],"}"),d[4]=a):d[4]="".concat(a)),e.push(d))}},e}},126(o){o.exports=function(o){return o[1]}},559(o){var e=[];function t(o){for(var t=-1,r=0;r<e.length;r++)if(e[r].identifier===o){t=r;break}return t}function r(o,r){for(var a={},i=[],n=0;n<o.length;n++){var l=o[n],p=r.base?l[0]+r.base:l[0],s=a[p]||0,d="".concat(p," ").concat(s);a[p]=s+1;var c=t(d),m={css:l[1],media:l[2],sourceMap:l[3],supports:l[4],layer:l[5]};if(-1!==c)e[c].references++,e[c].updater(m);else{var x=function(o,e){var t=e.domAPI(e);return t.update(o),function(e){e?(e.css!==o.css||e.media!==o.media||e.sourceMap!==o.sourceMap||e.supports!==o.supports||e.layer!==o.layer)&&t.update(o=e):t.remove()}}(m,r);r.byIndex=n,e.splice(n,0,{identifier:d,updater:x,references:1})}i.push(d)}return i}o.exports=function(o,a){var i=r(o=o||[],a=a||{});return function(o){o=o||[];for(var n=0;n<i.length;n++){var l=t(i[n]);e[l].references--}for(var p=r(o,a),s=0;s<i.length;s++){var d=t(i[s]);0===e[d].references&&(e[d].updater(),e.splice(d,1))}i=p}}},672(o){var e={};o.exports=function(o,t){var r=function(o){if(void 0===e[o]){var t=document.querySelector(o);if(window.HTMLIFrameElement&&t instanceof window.HTMLIFrameElement)try{t=t.contentDocument.head}catch(o){t=null}e[o]=t}return e[o]}(o);if(!r)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");r.appendChild(t)}},691(o){o.exports=function(o){var e=document.createElement("style");return o.setAttributes(e,o.attributes),o.insert(e,o.options),e}},215(o,e,t){o.exports=function(o){var e=t.nc;e&&o.setAttribute("nonce",e)}},204(o){o.exports=function(o){if("u"<typeof document)return{update:function(){},remove:function(){}};var e=o.insertStyleElement(o);return{update:function(t){var r,a,i;r="",t.supports&&(r+="@supports (".concat(t.supports,") {")),t.media&&(r+="@media ".concat(t.media," {")),(a=void 0!==t.layer)&&(r+="@layer".concat(t.layer.length>0?" ".concat(t.layer):""," {")),r+=t.css,a&&(r+="}"),t.media&&(r+="}"),t.supports&&(r+="}"),(i=t.sourceMap)&&"u">typeof btoa&&(r+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(i))))," */")),o.styleTagTransform(r,e,o.options)},remove:function(){var o;null===(o=e).parentNode||o.parentNode.removeChild(o)}}}},696(o){o.exports=function(o,e){if(e.styleSheet)e.styleSheet.cssText=o;else{for(;e.firstChild;)e.removeChild(e.firstChild);e.appendChild(document.createTextNode(o))}}},959(o,e,t){var r=t(559),a=t.n(r),i=t(204),n=t.n(i),l=t(672),p=t.n(l),s=t(215),d=t.n(s),c=t(691),m=t.n(c),x=t(696),u=t.n(x),f=t(851),h={};h.styleTagTransform=u(),h.setAttributes=d(),h.insert=p().bind(null,"head"),h.domAPI=n(),h.insertStyleElement=m(),a()(f.A,h),f.A&&f.A.locals&&f.A.locals}}]);