// The refusal of a setting, or of a source of settings. Knows neither exit codes nor who asked.

/** `message` is one line for a person. It names the setting, its origin, and the allowed values. */
export class SettingError extends TypeError {
  override readonly name = 'SettingError';
}
