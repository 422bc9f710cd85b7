// What pages do beside what the browser does by itself; all of them work without it.

// A picture is shown as large as there is room, and small again.
for (const button of document.querySelectorAll('button.zoom')) {
  button.addEventListener('click', () => {
    const large = button.getAttribute('aria-expanded') === 'true';
    button.setAttribute('aria-expanded', String(!large));
  });
}

// A button is pressed once: a second press while the first is on its way would only be refused.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = 'yes';
  });
}

// A page that the browser shows again from memory can be sent again.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) {
    for (const form of document.forms) {
      delete form.dataset.sent;
    }
  }
});

// A list is shown as it changes, for as long as somebody wants that and looks.
for (const button of document.querySelectorAll('button.live')) {
  const list = document.getElementById(button.getAttribute('aria-controls'));
  let source = null;
  let waiting = null;
  // Whoever is in the list with the keyboard isn't thrown out of it.
  const show = () => {
    if (waiting !== null && !list.contains(document.activeElement)) {
      list.innerHTML = waiting;
      waiting = null;
    }
  };
  const settle = () => {
    const wanted = button.getAttribute('aria-pressed') === 'true' && !document.hidden;
    if (!wanted && source) {
      source.close();
      source = null;
    } else if (wanted && !source) {
      source = new EventSource(button.dataset.from);
      source.addEventListener('message', (event) => {
        waiting = event.data;
        show();
      });
      source.addEventListener('error', (event) => {
        // It isn't asked again: the session is over, or there was too much at once.
        if (event.target.readyState === EventSource.CLOSED) {
          button.setAttribute('aria-pressed', 'false');
          settle();
        }
      });
    }
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'));
    settle();
  });
  list.addEventListener('focusout', () => setTimeout(show));
  document.addEventListener('visibilitychange', settle);
}
