#include "utc-time.h"

#include <cstring>

namespace kestrel {
namespace {

/// Year, month and day of a day since 1970, by the proleptic Gregorian calendar. Eras of 400 years begin on 1 March.
void civil_from_days(int64_t days, int& year, int& month, int& day) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto of_era = static_cast<uint32_t>(days - era * 146097);
  const uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t shifted = (5 * of_year + 2) / 153;
  day = static_cast<int>(of_year - (153 * shifted + 2) / 5 + 1);
  month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  year = static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
}

/// Two digits at a time: a line has five times, with nine digits behind each point.
constexpr char kPairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

void put_pair(char* at, uint32_t value) { std::memcpy(at, kPairs + 2 * value, 2); }

void put_nine(char* at, uint32_t value) {
  for (int digit = 7; digit >= 1; digit -= 2) {
    put_pair(at + digit, value % 100);
    value /= 100;
  }
  *at = static_cast<char>('0' + value);
}

}  // namespace

char* UtcTime::put(char* at, int64_t nanoseconds) {
  int64_t second = nanoseconds / 1000000000;
  int64_t rest = nanoseconds % 1000000000;
  if (rest < 0) {
    rest += 1000000000;
    second--;
  }
  const int64_t day = (second >= 0 ? second : second - 86399) / 86400;
  if (day != day_) {
    int year, month, of_month;
    civil_from_days(day, year, month, of_month);
    std::memcpy(text_, "0000-00-00T", 11);
    put_pair(text_, static_cast<uint32_t>(year / 100));
    put_pair(text_ + 2, static_cast<uint32_t>(year % 100));
    put_pair(text_ + 5, static_cast<uint32_t>(month));
    put_pair(text_ + 8, static_cast<uint32_t>(of_month));
    day_ = day;
  }
  const auto of_day = static_cast<uint32_t>(second - day * 86400);
  at[0] = '"';
  std::memcpy(at + 1, text_, 11);
  put_pair(at + 12, of_day / 3600);
  at[14] = ':';
  put_pair(at + 15, of_day / 60 % 60);
  at[17] = ':';
  put_pair(at + 18, of_day % 60);
  at[20] = '.';
  put_nine(at + 21, static_cast<uint32_t>(rest));
  at[30] = 'Z';
  at[31] = '"';
  return at + kBytes;
}

}  // namespace kestrel
