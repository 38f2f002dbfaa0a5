import { Monitor, Moon, Sun } from "lucide-react";
import { IconButton } from "../ui/button";
import { recordTheme, useTheme, type Theme } from "./theme";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const LABEL: Record<Theme, string> = { system: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
const ICON = { system: Monitor, light: Sun, dark: Moon } as const;

export function ThemeToggle() {
  const theme = useTheme();
  const Icon = ICON[theme];
  return (
    <IconButton label={LABEL[theme]} onClick={() => recordTheme(NEXT[theme])}>
      <Icon aria-hidden />
    </IconButton>
  );
}
