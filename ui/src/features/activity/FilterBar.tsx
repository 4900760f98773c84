// Which of the queries are shown, and whether one by one.
import { useTranslation } from "react-i18next";
import { Icon } from "../../components/Icon";
import { Select } from "../../components/Select";
import { userName } from "../../lib/choices";
import { count } from "../../lib/format";
import {
  durations,
  type Filters,
  type Grouping,
  isFiltered,
  noFilters,
  type StatusChoice,
  statusChoices,
} from "./filters";

interface Props {
  filters: Filters;
  onFilters: (filters: Filters) => void;
  users: string[];
  /** Names of the servers; offered where there are several. */
  databases: string[];
  grouping: Grouping;
  onGrouping: (grouping: Grouping) => void;
  shown: number;
  total: number;
}

export function FilterBar({ filters, onFilters, users, databases, grouping, onGrouping, shown, total }: Props) {
  const { t } = useTranslation();
  const change = (part: Partial<Filters>) => onFilters({ ...filters, ...part });
  return (
    <div className="toolbar act__filters" data-testid="activity-filters">
      <label className="input input--sm act__find">
        <Icon name="search" />
        <input
          className="act__text"
          type="search"
          placeholder={t("activity.find")}
          aria-label={t("activity.find")}
          value={filters.text}
          onChange={(event) => change({ text: event.target.value })}
          spellCheck={false}
          data-testid="filter-text"
        />
      </label>
      <Select
        small
        aria-label={t("activity.status")}
        value={filters.status}
        onChange={(event) => change({ status: event.target.value as StatusChoice })}
        data-testid="filter-status"
      >
        {statusChoices.map((choice) => (
          <option key={choice} value={choice}>
            {t(`activity.statusOf.${choice}`)}
          </option>
        ))}
      </Select>
      {(users.length > 1 || filters.user !== "") && (
        <AnyOf
          label={t("activity.user")}
          any={t("activity.anyUser")}
          value={filters.user}
          options={users}
          name={userName}
          onChange={(user) => change({ user })}
          testId="filter-user"
        />
      )}
      {databases.length > 1 && (
        <AnyOf
          label={t("activity.database")}
          any={t("activity.anyDatabase")}
          value={filters.database}
          options={databases}
          onChange={(database) => change({ database })}
          testId="filter-database"
        />
      )}
      <Select
        small
        aria-label={t("activity.elapsed")}
        value={filters.longer}
        onChange={(event) => change({ longer: Number(event.target.value) })}
        data-testid="filter-longer"
      >
        {durations.map((longer) => (
          <option key={longer} value={longer}>
            {longer === 0
              ? t("activity.anyDuration")
              : longer < 60_000
                ? t("activity.longerSeconds", { count: longer / 1000 })
                : t("activity.longerMinutes", { count: longer / 60_000 })}
          </option>
        ))}
      </Select>
      <Select
        small
        aria-label={t("activity.group")}
        value={grouping}
        onChange={(event) => onGrouping(event.target.value as Grouping)}
        data-testid="activity-group"
      >
        <option value="none">{t("activity.groupNone")}</option>
        <option value="user">{t("activity.groupUser")}</option>
        <option value="hash">{t("activity.groupHash")}</option>
      </Select>
      {isFiltered(filters) && (
        <button
          type="button"
          className="btn btn--sm btn--ghost"
          onClick={() => onFilters(noFilters)}
          data-testid="filter-clear"
        >
          <Icon name="x" />
          {t("activity.clearFilters")}
        </button>
      )}
      <span className="spacer" />
      <span className="faint num act__asof" role="status" data-testid="activity-count">
        {shown === total
          ? t("activity.countAll", { count: total, number: count(total) })
          : t("activity.countOf", { shown: count(shown), total: count(total) })}
      </span>
    </div>
  );
}

interface AnyOfProps {
  label: string;
  /** What stands for all of them. */
  any: string;
  value: string;
  options: string[];
  name?: (option: string) => string;
  onChange: (value: string) => void;
  testId: string;
}

function AnyOf({ label, any, value, options, name = (option) => option, onChange, testId }: AnyOfProps) {
  return (
    <Select
      small
      className="act__user"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      data-testid={testId}
    >
      <option value="">{any}</option>
      {options.map((option) => (
        <option key={option} value={option}>
          {name(option)}
        </option>
      ))}
    </Select>
  );
}
