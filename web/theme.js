// Runs before the first paint, so that a chosen theme never flashes. A classic script on purpose; nothing else is.
try {
  const theme = localStorage.getItem("ks-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* Storage is closed to us: the system's theme it is. */ }
