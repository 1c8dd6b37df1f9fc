"use strict";(self.rspackChunkmixpeek_lab=self.rspackChunkmixpeek_lab||[]).push([[700],{646(e,o,r){var t=r(601),n=r.n(t),a=r(314),i=(r.n(a))()(n());i.push([e.id,`/* The sidebar of Mixpeek Lab: JupyterLab's own tokens, so that every theme fits. */
.mxl {
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
  align-items: center;
  gap: 6px;
}
.mxl-state-words {
  flex: 1;
  min-width: 0;
}
.mxl-state-words strong {
  font-weight: 600;
}
.mxl-state-words span {
  color: var(--jp-ui-font-color2);
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
  color: var(--jp-ui-font-color2);
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
  border: 1.5px solid var(--jp-ui-font-color2);
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
  padding-bottom: 12px;
}
.mxl-section h3 {
  margin: 0;
  font-size: inherit;
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
  width: 100%;
  height: 30px;
  padding: 0 12px 0 6px;
  gap: 4px;
}
.mxl-heading:hover,
.mxl-row:hover,
.mxl-row:focus-within,
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
  color: var(--jp-ui-font-color2);
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
.mxl-line {
  flex: 1;
  min-width: 0;
  min-height: 26px;
  gap: 8px;
  padding: 0 12px 0 13px;
}
.mxl-name {
  flex: 0 1 auto;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
}
.mxl-detail {
  flex: 1 1 0;
  min-width: 0;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
  text-align: right;
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
.mxl-row:focus-within .mxl-actions {
  opacity: 1;
  pointer-events: auto;
}
@media (hover: none) {
  .mxl-row .mxl-actions {
    position: static;
    opacity: 1;
    pointer-events: auto;
    background: none;
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
  color: var(--jp-ui-font-color2);
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
  color: var(--jp-ui-font-color2);
}
.mxl-facts dd {
  margin: 0;
  overflow-wrap: anywhere;
}
.mxl-unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
}
.mxl button.mxl-small {
  height: 24px;
  line-height: 22px;
  padding: 0 10px;
  font-size: var(--jp-ui-font-size1);
  cursor: pointer;
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
  color: var(--jp-ui-font-color2);
}
.mxl-gap p.mxl-error {
  color: var(--jp-error-color1);
}
.mxl button.mxl-main {
  color: var(--jp-ui-inverse-font-color1, #fff);
  cursor: pointer;
}
.mxl-code {
  color: var(--jp-ui-font-color2);
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size);
}

@media (prefers-reduced-motion: reduce) {
  .mxl-dot {
    animation: none !important;
  }
}
`,""]),r.d(o,{},{A:i})},314(e){e.exports=function(e){var o=[];return o.toString=function(){return this.map(function(o){var r="",t=void 0!==o[5];return o[4]&&(r+="@supports (".concat(o[4],") {")),o[2]&&(r+="@media ".concat(o[2]," {")),t&&(r+="@layer".concat(o[5].length>0?" ".concat(o[5]):""," {")),r+=e(o),t&&(r+="}"),o[2]&&(r+="}"),o[4]&&(r+="}"),r}).join("")},o.i=function(e,r,t,n,a){"string"==typeof e&&(e=[[null,e,void 0]]);var i={};if(t)for(var l=0;l<this.length;l++){var p=this[l][0];null!=p&&(i[p]=!0)}for(var s=0;s<e.length;s++){var d=[].concat(e[s]);t&&i[d[0]]||(void 0!==a&&(void 0===d[5]||(d[1]="@layer".concat(d[5].length>0?" ".concat(d[5]):""," {").concat(d[1],"}")),d[5]=a),r&&(d[2]&&(d[1]="@media ".concat(d[2]," {").concat(d[1],"}")),d[2]=r),n&&(d[4]?(d[1]="@supports (".concat(d[4],") {").concat(d[1],"}"),d[4]=n):d[4]="".concat(n)),o.push(d))}},o}},601(e){e.exports=function(e){return e[1]}},72(e){var o=[];function r(e){for(var r=-1,t=0;t<o.length;t++)if(o[t].identifier===e){r=t;break}return r}function t(e,t){for(var n={},a=[],i=0;i<e.length;i++){var l=e[i],p=t.base?l[0]+t.base:l[0],s=n[p]||0,d="".concat(p," ").concat(s);n[p]=s+1;var c=r(d),x={css:l[1],media:l[2],sourceMap:l[3],supports:l[4],layer:l[5]};if(-1!==c)o[c].references++,o[c].updater(x);else{var m=function(e,o){var r=o.domAPI(o);return r.update(e),function(o){o?(o.css!==e.css||o.media!==e.media||o.sourceMap!==e.sourceMap||o.supports!==e.supports||o.layer!==e.layer)&&r.update(e=o):r.remove()}}(x,t);t.byIndex=i,o.splice(i,0,{identifier:d,updater:m,references:1})}a.push(d)}return a}e.exports=function(e,n){var a=t(e=e||[],n=n||{});return function(e){e=e||[];for(var i=0;i<a.length;i++){var l=r(a[i]);o[l].references--}for(var p=t(e,n),s=0;s<a.length;s++){var d=r(a[s]);0===o[d].references&&(o[d].updater(),o.splice(d,1))}a=p}}},659(e){var o={};e.exports=function(e,r){var t=function(e){if(void 0===o[e]){var r=document.querySelector(e);if(window.HTMLIFrameElement&&r instanceof window.HTMLIFrameElement)try{r=r.contentDocument.head}catch(e){r=null}o[e]=r}return o[e]}(e);if(!t)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");t.appendChild(r)}},540(e){e.exports=function(e){var o=document.createElement("style");return e.setAttributes(o,e.attributes),e.insert(o,e.options),o}},56(e,o,r){e.exports=function(e){var o=r.nc;o&&e.setAttribute("nonce",o)}},825(e){e.exports=function(e){if("u"<typeof document)return{update:function(){},remove:function(){}};var o=e.insertStyleElement(e);return{update:function(r){var t,n,a;t="",r.supports&&(t+="@supports (".concat(r.supports,") {")),r.media&&(t+="@media ".concat(r.media," {")),(n=void 0!==r.layer)&&(t+="@layer".concat(r.layer.length>0?" ".concat(r.layer):""," {")),t+=r.css,n&&(t+="}"),r.media&&(t+="}"),r.supports&&(t+="}"),(a=r.sourceMap)&&"u">typeof btoa&&(t+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(a))))," */")),e.styleTagTransform(t,o,e.options)},remove:function(){var e;null===(e=o).parentNode||e.parentNode.removeChild(e)}}}},113(e){e.exports=function(e,o){if(o.styleSheet)o.styleSheet.cssText=e;else{for(;o.firstChild;)o.removeChild(o.firstChild);o.appendChild(document.createTextNode(e))}}},959(e,o,r){var t=r(72),n=r.n(t),a=r(825),i=r.n(a),l=r(659),p=r.n(l),s=r(56),d=r.n(s),c=r(540),x=r.n(c),m=r(113),u=r.n(m),f=r(646),h={};h.styleTagTransform=u(),h.setAttributes=d(),h.insert=p().bind(null,"head"),h.domAPI=i(),h.insertStyleElement=x(),n()(f.A,h),f.A&&f.A.locals&&f.A.locals}}]);