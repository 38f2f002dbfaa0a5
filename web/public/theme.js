// Applies the stored theme before the first paint. Kept out of the bundle so that it runs at once and no inline script is needed.
try {
  var theme = localStorage.getItem("sett.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be blocked; the system theme is used then.
}
