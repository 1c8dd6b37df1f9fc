"use strict";(self.rspackChunkmixpeek_lab=self.rspackChunkmixpeek_lab||[]).push([[700],{851(o,r,t){var e=t(126),n=t.n(e),i=t(719),a=(t.n(i))()(n());a.push([o.id,`/* The sidebar of Mixpeek Lab: JupyterLab's own tokens, so that every theme fits. */
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
`,""]),t.d(r,{},{A:a})},719(o){o.exports=function(o){var r=[];return r.toString=function(){return this.map(function(r){var t="",e=void 0!==r[5];return r[4]&&(t+="@supports (".concat(r[4],") {")),r[2]&&(t+="@media ".concat(r[2]," {")),e&&(t+="@layer".concat(r[5].length>0?" ".concat(r[5]):""," {")),t+=o(r),e&&(t+="}"),r[2]&&(t+="}"),r[4]&&(t+="}"),t}).join("")},r.i=function(o,t,e,n,i){"string"==typeof o&&(o=[[null,o,void 0]]);var a={};if(e)for(var l=0;l<this.length;l++){var p=this[l][0];null!=p&&(a[p]=!0)}for(var s=0;s<o.length;s++){var d=[].concat(o[s]);e&&a[d[0]]||(void 0!==i&&(void 0===d[5]||(d[1]="@layer".concat(d[5].length>0?" ".concat(d[5]):""," {").concat(d[1],"}")),d[5]=i),t&&(d[2]&&(d[1]="@media ".concat(d[2]," {").concat(d[1],"}")),d[2]=t),n&&(d[4]?(d[1]="@supports (".concat(d[4],") {").concat(d[1],"}"),d[4]=n):d[4]="".concat(n)),r.push(d))}},r}},126(o){o.exports=function(o){return o[1]}},559(o){var r=[];function t(o){for(var t=-1,e=0;e<r.length;e++)if(r[e].identifier===o){t=e;break}return t}function e(o,e){for(var n={},i=[],a=0;a<o.length;a++){var l=o[a],p=e.base?l[0]+e.base:l[0],s=n[p]||0,d="".concat(p," ").concat(s);n[p]=s+1;var c=t(d),m={css:l[1],media:l[2],sourceMap:l[3],supports:l[4],layer:l[5]};if(-1!==c)r[c].references++,r[c].updater(m);else{var x=function(o,r){var t=r.domAPI(r);return t.update(o),function(r){r?(r.css!==o.css||r.media!==o.media||r.sourceMap!==o.sourceMap||r.supports!==o.supports||r.layer!==o.layer)&&t.update(o=r):t.remove()}}(m,e);e.byIndex=a,r.splice(a,0,{identifier:d,updater:x,references:1})}i.push(d)}return i}o.exports=function(o,n){var i=e(o=o||[],n=n||{});return function(o){o=o||[];for(var a=0;a<i.length;a++){var l=t(i[a]);r[l].references--}for(var p=e(o,n),s=0;s<i.length;s++){var d=t(i[s]);0===r[d].references&&(r[d].updater(),r.splice(d,1))}i=p}}},672(o){var r={};o.exports=function(o,t){var e=function(o){if(void 0===r[o]){var t=document.querySelector(o);if(window.HTMLIFrameElement&&t instanceof window.HTMLIFrameElement)try{t=t.contentDocument.head}catch(o){t=null}r[o]=t}return r[o]}(o);if(!e)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");e.appendChild(t)}},691(o){o.exports=function(o){var r=document.createElement("style");return o.setAttributes(r,o.attributes),o.insert(r,o.options),r}},215(o,r,t){o.exports=function(o){var r=t.nc;r&&o.setAttribute("nonce",r)}},204(o){o.exports=function(o){if("u"<typeof document)return{update:function(){},remove:function(){}};var r=o.insertStyleElement(o);return{update:function(t){var e,n,i;e="",t.supports&&(e+="@supports (".concat(t.supports,") {")),t.media&&(e+="@media ".concat(t.media," {")),(n=void 0!==t.layer)&&(e+="@layer".concat(t.layer.length>0?" ".concat(t.layer):""," {")),e+=t.css,n&&(e+="}"),t.media&&(e+="}"),t.supports&&(e+="}"),(i=t.sourceMap)&&"u">typeof btoa&&(e+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(i))))," */")),o.styleTagTransform(e,r,o.options)},remove:function(){var o;null===(o=r).parentNode||o.parentNode.removeChild(o)}}}},696(o){o.exports=function(o,r){if(r.styleSheet)r.styleSheet.cssText=o;else{for(;r.firstChild;)r.removeChild(r.firstChild);r.appendChild(document.createTextNode(o))}}},959(o,r,t){var e=t(559),n=t.n(e),i=t(204),a=t.n(i),l=t(672),p=t.n(l),s=t(215),d=t.n(s),c=t(691),m=t.n(c),x=t(696),u=t.n(x),f=t(851),h={};h.styleTagTransform=u(),h.setAttributes=d(),h.insert=p().bind(null,"head"),h.domAPI=a(),h.insertStyleElement=m(),n()(f.A,h),f.A&&f.A.locals&&f.A.locals}}]);