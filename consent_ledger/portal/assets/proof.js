// Checks an inclusion proof (RFC 9162, 2.1.3.2) in the browser, step by step, with nothing but SHA-256.
// It reads what the page shows: the entry's bytes, the path, and the size and root in the checkpoint's own text.
"use strict";

(() => {
  const section = document.getElementById("proof");
  const form = document.getElementById("check");
  const steps = document.getElementById("steps");
  const result = document.getElementById("result");
  const words = JSON.parse(section.dataset.words);

  const say = (text, verdict) => {
    result.textContent = text;
    result.className = verdict;
  };

  if (!globalThis.crypto || !crypto.subtle) {
    say(words.insecure, "none");
    return;
  }
  document.getElementById("by-hand").hidden = true;
  form.hidden = false;

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

  const unhex = (text) => {
    if (!/^[0-9a-f]{64}$/.test(text)) throw new Error("not a hash");
    return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
  };

  const unbase64 = (text) => {
    if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) throw new Error("not a hash");
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  };

  const sha256 = async (...parts) => {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const joined = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
  };

  const show = (text, hash) => {
    const item = document.createElement("li");
    const code = document.createElement("code");
    code.textContent = hex(hash);
    item.append(`${text}: `, code);
    steps.append(item);
  };

  // The second line of a checkpoint is its size, the third its root.
  const readCheckpoint = () => {
    const [, size, root] = document.getElementById("note").textContent.split("\n");
    if (!/^[1-9][0-9]{0,15}$/.test(size)) throw new Error("not a size");
    return { size: Number(size), root: unbase64(root) };
  };

  const climb = async (index, size, leaf, path) => {
    let node = index;
    let last = size - 1;
    let hash = leaf;
    for (const value of path) {
      if (last === 0) throw new Error("too long");
      // No bitwise operators: they would cut numbers off at 32 bits.
      if (node % 2 === 1 || node === last) {
        hash = await sha256([1], value, hash);
        show(words.left, hash);
        while (node % 2 === 0 && node !== 0) {
          node = Math.floor(node / 2);
          last = Math.floor(last / 2);
        }
      } else {
        hash = await sha256([1], hash, value);
        show(words.right, hash);
      }
      node = Math.floor(node / 2);
      last = Math.floor(last / 2);
    }
    if (last !== 0) throw new Error("too short");
    return hash;
  };

  const readHeld = () => {
    const text = document.getElementById("held").value.trim();
    if (text === "") return null;
    try {
      return hex(/^[0-9a-fA-F]{64}$/.test(text) ? unhex(text.toLowerCase()) : unbase64(text));
    } catch {
      return "";
    }
  };

  const check = async () => {
    const index = Number(section.dataset.index);
    const entry = new TextEncoder().encode(document.getElementById("sealed").textContent);
    const path = Array.from(document.querySelectorAll("#path code"), (code) => unhex(code.textContent.trim()));
    const { size, root } = readCheckpoint();
    if (!(index < size)) throw new Error("not in the log");
    const leaf = await sha256([0], entry);
    show(words.leaf, leaf);
    const found = hex(await climb(index, size, leaf, path));
    const same = found === hex(root);
    const told = same ? words.same : fill(words.differs, { wanted: hex(root) });
    const last = document.createElement("li");
    last.textContent = `${fill(words.root, { n: size })}: ${told}`;
    steps.append(last);
    return same ? { size, index, root: found } : null;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    steps.replaceChildren();
    say(words.working, "none");
    let proven = null;
    try {
      proven = await check();
    } catch {
      // What cannot be read proves nothing.
    }
    if (proven === null) {
      say(words.failed, "bad");
      return;
    }
    const held = readHeld();
    const verified = fill(words.verified, proven);
    if (held === null) say(verified, "good");
    else if (held === "") say(`${verified} ${words.held_bad}`, "bad");
    else if (held === proven.root) say(`${verified} ${words.held_same}`, "good");
    else say(words.held_differs, "bad");
  });
})();
