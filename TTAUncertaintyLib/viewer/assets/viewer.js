// What the page cannot say in Vue: keys, sending a file, and coming back to a lost server.
(function () {
  "use strict";
  const KEYS = ["n", "p", "m", "f", "k", "g", "l", "a", "c", "r", "?", "[", "]", " ", "1", "2", "3", "4"];

  function isTyping(target) {
    return target && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
      && target.type !== "range" && target.type !== "checkbox" && target.type !== "radio";
  }

  window.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === " " && /^(BUTTON|A|INPUT)$/.test(event.target.tagName)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (KEYS.includes(key) && window.trame) {
      event.preventDefault();
      window.trame.trigger("tta_key", [key]);
    }
  });

  function upload(event, role) {
    const file = event.target.files[0];
    event.target.value = "";
    if (!file) return;
    const state = window.trame.state;
    if (file.size > state.get("upload_limit")) {
      window.trame.trigger("tta_upload_too_large", [file.name]);
      return;
    }
    state.set("sending", role);
    fetch("/tta/upload/" + role, {
      method: "PUT",
      headers: { "X-File-Name": encodeURIComponent(file.name) },
      body: file,
    }).catch(function () {
      window.trame.trigger("tta_upload_failed", [role]);
    }).finally(function () {
      state.set("sending", "");
    });
  }

  // A link would make trame take leave of the server.
  function download(address, name) {
    const state = window.trame.state;
    state.set("writing", true);
    fetch(address).then(function (answer) {
      if (!answer.ok) return null;
      return answer.blob().then(function (content) {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(content);
        link.download = name;
        link.click();
        window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
      });
    }).catch(function () {
      window.trame.trigger("tta_upload_failed", ["download"]);
    }).finally(function () {
      state.set("writing", false);
    });
  }

  // The server keeps the state: a page that is loaded again is the page that was lost.
  const RETRY_MS = 1000;
  let lost = false;

  function onLost() {
    if (!lost) window.setTimeout(comeBack, RETRY_MS);
    lost = true;
  }

  function comeBack() {
    fetch("index.html", { method: "HEAD", cache: "no-store" }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.statusText);
      window.location.reload();
    }).catch(function () {
      window.setTimeout(comeBack, RETRY_MS);
    });
  }

  function begin() {
    if (!window.trame || !window.trame.utils) return window.setTimeout(begin, 20);
    window.trame.utils.tta = { upload: upload, download: download };
    window.trame.addConnectListener(function () {
      window.trame.client.onConnectionClose(onLost);
      window.trame.client.onConnectionError(onLost);
    });
  }
  begin();
})();
