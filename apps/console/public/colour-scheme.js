/* Before the first paint, so that a dark page never flashes white. A file of its own: the policy admits no inline script. */
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem('consilium-colour-scheme');
  } catch {
    /* Storage is refused: the system's scheme it is. */
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
