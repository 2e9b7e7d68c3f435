#!/usr/bin/perl

# "nginx -t" refuses a wrong configuration with the reason, and never prints a
# password.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $redis = 'pimap_redis redis://127.0.0.1:6379';
my $events = 'location /e { pimap_events; }';

# Where a directive may stand: http, server, location.
my @anywhere = (
    ['pimap_account', '$arg_account'],
    ['pimap_device', '$arg_device'],
    ['pimap_ping', '60s'],
    ['pimap_retry', '1s'],
    ['pimap_buffer', '64k'],
    ['pimap_send_timeout', '10s'],
    ['pimap_detach', 'on'],
    ['pimap_end_log_level', 'notice'],
    ['pimap_hibernate', 'off'],
    ['pimap_tls_padding', '256'],
    ['pimap_max_devices_per_account', '5'],
    ['pimap_max_devices_per_ip', '5'],
    ['pimap_max_account_length', '64'],
    ['pimap_max_device_length', '64'],
    ['pimap_max_body', '64k'],
    ['pimap_ticket_updates', 'store move'],
);

my @http = (
    ['pimap_zone', '1m'],
    ['pimap_log_length', '1000000'],
    ['pimap_log_ttl', '366d'],
    ['pimap_gap_check', '1s'],
    ['pimap_coalesce', '100ms'],
    ['pimap_drain', '10s'],
    ['pimap_max_devices', '5'],
    ['pimap_max_event', '16k'],
);

my @locations = qw(pimap_events pimap_publish pimap_status);

my @good = (
    ["$redis;"],
    ['pimap_redis redis://:secret@[::1]:6379/2 prefix=p db=3;'],
    ['pimap_redis redis://u:s%40ret@127.0.0.1;'],
    ['pimap_redis rediss://127.0.0.1 verify=off;'],
    ['pimap_redis unix:/nowhere/redis.sock user=u password=secret;'],
    ["$redis connect_timeout=100ms timeout=1s probe=1m;"],
    ["$redis; pimap_ping 0;"],
    ["$redis; pimap_ping 5s min=1s max=1023s;"],
    ["$redis; pimap_coalesce 0;"],
    ["$redis; pimap_coalesce 10s;"],
    map({ ["$redis; pimap_tls_padding $_;"] } qw(0 16 4k)),
    ["$redis; pimap_max_devices 0; pimap_max_devices_per_account 0;"],
    ["$redis; pimap_max_account_length 1024;"],
    map({ ["$redis; pimap_ticket_updates $_;"] } 'off', '*', 'a Email/set'),
    ["resolver 127.0.0.1; pimap_redis redis://no.such.host.invalid;"],
);

# http, the error; a server's or a location's text
my @bad = (
    ['', qr/need "pimap_redis" in "http"/, $events],
    ['', qr/need "pimap_redis"/, 'location /p { pimap_publish; }'],
    ['', qr/need "pimap_redis"/, 'location /s { pimap_status; }'],
    ['pimap_redis;', qr/invalid number of arguments/],
    ['pimap_redis 127.0.0.1:6379;', qr{must be redis://}],
    ['pimap_redis http://127.0.0.1;', qr{must be redis://}],
    ['pimap_redis redis//u:secret@h;', qr{must be redis://}],
    ['pimap_redis redis://;', qr{must be redis://|no host}],
    ['pimap_redis redis://u:secret@;', qr/no host/],
    ['pimap_redis redis://u:secret@:6379;', qr/no host/],
    ['pimap_redis redis://u:secret@h:0;', qr/invalid port/],
    ['pimap_redis redis://u:secret@h:65536;', qr/invalid port/],
    ['pimap_redis redis://u:secret@h:x;', qr/invalid port/],
    ['pimap_redis redis://u:secret@h/x;', qr/invalid database/],
    ['pimap_redis redis://u:12/secret@h;', qr/invalid database/],
    ['pimap_redis redis://u:secret@[::1;', qr/has an invalid host/],
    ['pimap_redis unix:;', qr{must be redis://}],
    ['pimap_redis cluster://u:secret@h,,k;', qr/a node without a host/],
    ['pimap_redis cluster://h db=1;', qr/a cluster has only database 0/],
    ['pimap_redis cluster://nowhere.invalid;', qr/host not found/],
    ["$redis passwrd=secret;", qr/unknown or empty parameter/],
    ["$redis password=;", qr/unknown or empty parameter/],
    ["$redis secret;", qr/unknown or empty parameter/],
    ["$redis user=u;", qr/user but no password/],
    ["$redis db=-1;", qr/invalid database/],
    ["$redis db=x password=secret;", qr/invalid database/],
    ["$redis 'prefix={a}';", qr/invalid "prefix"/],
    ["$redis 'prefix=a b';", qr/invalid "prefix"/],
    ["$redis prefix=" . 'p' x 65 . ';', qr/too long "prefix"/],
    ["$redis verify=yes;", qr/invalid "verify"/],
    ["$redis ca=ca.pem;", qr/is not rediss/],
    ['pimap_redis rediss://h cert=c.pem;', qr/"cert" without "key"/],
    ['pimap_redis rediss://127.0.0.1 ca=none.pem;', qr/none\.pem/],
    ["$redis password_file=none;", qr/open\(\) ".*none" failed/],
    ["$redis password_file=empty;", qr/no password could be read/],
    ["$redis timeout=10ms;", qr/invalid time "10ms".*at least 100ms/],
    ["$redis connect_timeout=x;", qr/invalid time "x"/],
    ["$redis probe=0;", qr/invalid time "0"/],
    ["$redis; $redis password=secret;", qr/"pimap_redis" .*is duplicate/],
    ['pimap_zone 1k;', qr/"pimap_zone" is "1k", but must be at least \d+k/],
    ['pimap_zone x;', qr/"pimap_zone" is "x", but must be a size/],
    ['pimap_drain x;', qr/"pimap_drain" is "x", but must be a time/],
    ['pimap_ping x;', qr/invalid time "x"/],
    ['pimap_ping 500ms;', qr/invalid time "500ms"/],
    ['pimap_ping 60s most=1;', qr/invalid parameter "most=1"/],
    ['pimap_ping 60s min=;', qr/invalid time ""/],
    ['pimap_ping 60s min=0;', qr/bounds between 1s and 1023s/],
    ['pimap_ping 60s max=2000s;', qr/bounds between 1s and 1023s/],
    ['pimap_ping 60s min=90s max=60s;', qr/bounds/],
    ['pimap_ping 5s;', qr/must be 0 or between "min=10s" and "max=900/],
    ['pimap_ping 1000s;', qr/must be 0 or between "min=10s" and "max=900/],
    ['pimap_retry 10ms;', qr/"pimap_retry" .*at least 100ms/],
    ['pimap_retry x;', qr/"pimap_retry" is "x", but must be a time/],
    ['pimap_buffer -1;', qr/"pimap_buffer" is "-1", but must be a size/],
    ['pimap_send_timeout x;', qr/"pimap_send_timeout" is "x", but must/],
    ['pimap_send_timeout 0;', qr/"pimap_send_timeout" .*at least 100ms/],
    ['pimap_log_length 0;', qr/"0", but must be between 1 and 1000000/],
    ['pimap_log_length 1000001;', qr/must be between 1 and 1000000/],
    ['pimap_log_ttl 0;', qr/"pimap_log_ttl" .*between 1s and 366d/],
    ['pimap_log_ttl 367d;', qr/"pimap_log_ttl" .*between 1s and 366d/],
    ['pimap_gap_check 999ms;', qr/"pimap_gap_check" .*0 or at least 1s/],
    map({ ["pimap_coalesce $_;",
        qr/"pimap_coalesce" .*0 or between 100ms and 10s/] }
        qw(1ms 99ms 10001ms)),
    ['pimap_coalesce x;', qr/"pimap_coalesce" is "x", but must be a time/],
    map({ ["pimap_tls_padding $_;",
        qr/"pimap_tls_padding" .*0 or between 16 and 4096/] }
        qw(1 15 4097 16k)),
    ['pimap_tls_padding x;', qr/"pimap_tls_padding" is "x", but must/],
    ["$redis; pimap_tls_padding 16;",
        qr/"pimap_tls_padding" has no effect in .*:\d+: .* without TLSv1\.3/,
        "ssl_protocols TLSv1.2; $events"],
    map({ ["$redis;", qr/"$_" has no effect in .*:\d+ without "pimap_login/,
        "location /x { pimap_account a; $_ a; pimap_events; }"] }
        map { "pimap_token_$_" } qw(issuer audience claim device_claim
        types_claim updates_claim)),
    ["$redis; pimap_tls_padding 16;", qr/"ssl_conf_command RecordPadding"/,
        "ssl_conf_command RecordPadding 64; $events"],
    ['pimap_max_devices -1;', qr/"pimap_max_devices" is "-1", but must/],
    ['pimap_max_devices x;', qr/"x", but must be a number/],
    ['pimap_max_devices_per_account x;', qr/"x", but must be a number/],
    ['pimap_max_account_length 0;', qr/must be between 1 and 1024/],
    ['pimap_max_account_length 1025;', qr/must be between 1 and 1024/],
    ['pimap_max_device_length 0;', qr/must be between 1 and 1024/],
    ['pimap_max_device_length 1025;', qr/must be between 1 and 1024/],
    ['pimap_max_event 0;', qr/"pimap_max_event" .*must be 1 or more/],
    ['pimap_max_body 0;', qr/"pimap_max_body" .*must be 1 or more/],
    ['pimap_max_event x;', qr/"pimap_max_event" is "x", but must be a size/],
    ['pimap_max_body x;', qr/"pimap_max_body" is "x", but must be a size/],
    map({ ["pimap_ticket_updates $_;", qr/invalid update "\Q$_\E"/] }
        'a:b', 'a*', 'a' x 65),
    ['pimap_ticket_updates a off *;', qr/invalid update "\*"/],
    ['pimap_ticket_updates ' . join(' ', ('a' x 60) x 17) . ';',
        qr/"pimap_ticket_updates" .*has too many updates/],
    ['pimap_account $nowhere;', qr/unknown "nowhere" variable/],
    ['pimap_account;', qr/invalid number of arguments/],
    ['pimap_device $nowhere;', qr/unknown "nowhere" variable/],
    map({ ["$redis;", qr/"$_->[0]" directive is duplicate/,
        "location /x { $_->[0] $_->[1]; $_->[0] $_->[1]; }"] } @anywhere),
    map({ ["$_->[0] $_->[1]; $_->[0] $_->[1];",
        qr/"$_->[0]" directive is duplicate/] } @http),
    map({ ["$redis;", qr/"$_->[0]" directive is not allowed here/,
        "location /x { $_->[0] $_->[1]; }"] } @http),
    ['', qr/"pimap_redis" directive is not allowed here/,
        "location /x { $redis; }"],
    map({ ["$redis; $_;", qr/"$_" directive is not allowed here/],
        ["$redis;", qr/"$_" directive is not allowed here/, "$_;"],
        ["$redis;", qr/"$_" directive is not allowed here/,
            "location /x { if (\$args) { $_; } }"],
        ["$redis;", qr/invalid (?:number of arg|parameter "on").* "$_"/,
            "location /x { $_ on; }"] } @locations),
    ["$redis;", qr/"pimap_publish" .*stands with another/,
        'location /x { pimap_events; pimap_publish; }'],
    ["$redis;", qr/"pimap_events" .*stands with another/,
        'location /x { pimap_status; pimap_events; }'],
    ["$redis;", qr/"pimap_events" .*is duplicate/,
        'location /x { pimap_events; pimap_events; }'],
);

# The protocols of a connection are those of the default server of its address.

sub server {
    return " } server { listen 127.0.0.1:9 $_[0] ";
}

my $default = server('ssl default_server; ssl_protocols TLSv1.3;');
my $older = server('ssl default_server; ssl_protocols TLSv1.2;');
my $named = "ssl; ssl_protocols TLSv1.2; server_name a;"
    . " pimap_tls_padding 512; $events";

push(@good,
    ["$redis;", $default
        . server("ssl; server_name b; ssl_conf_command RecordPadding 64;")
        . server($named)],
    ["$redis; pimap_tls_padding 512;",
        server("; ssl_protocols TLSv1.2; $events")]);
push(@bad, map({ ["$redis;", qr/"pimap_tls_padding" has no effect in/,
    $older . server("ssl; $_ ssl_protocols TLSv1.3; server_name a;"
        . " pimap_tls_padding 512; $events")] }
    '', 'listen 127.0.0.1:10 ssl;'));

my $t = Pimap->new(bare => 1, mode => '', allow => qr/\[emerg\]/);
my $nginx = $t->nginx();

$t->plan(@good + 2 * @bad + 3);
$t->write_file($t->dir() . '/empty', "\n");

for (@good) {
    my ($ok, $output) = check($_->[0], $_->[1] // $events);

    ok($ok, "good: $_->[0]") or diag($output);
}

for (@bad) {
    my ($http, $reason, $text) = @$_;
    my $name = substr(join(' ', $http, $text // ''), 0, 70);
    my ($ok, $output) = check($http, $text // '');

    ok(!$ok, "bad: $name");
    like($output =~ s/secret/PASSWORD/gr, qr/\A(?!.*PASSWORD).*$reason/s,
        "bad: $name: reason");
}

my ($http, $all) = map { join(' ', map { "$_->[0] $_->[1];" } @$_) }
    (\@http, \@anywhere);

ok((check("$redis; $http $all", $events))[0], 'in http');
ok((check("$redis;", "$all $events"))[0], 'in server');
ok((check("$redis;", "location /x { $all pimap_events; }"))[0],
    'in location');


sub check {
    my ($http, $text) = @_;

    @{$nginx}{qw(http server locations)} = ($http, '', $text);

    return $nginx->check();
}
