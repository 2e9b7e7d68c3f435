#!/usr/bin/perl

# The settings of the bridge. The example is valid, an error names its line,
# and SIGHUP applies the new settings as a whole or not at all.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;

my $server = 'servers = ( { host = "127.0.0.1"; tls = "off" } );';

# The third line of the file, and the error message for it.

my @mistakes = (
    ['frobnicate = 1;', qr/unknown setting "frobnicate" in FILE:3$/],
    ['sessions = { linger = "5 minutes" };',
        qr/"linger" is "5 minutes", but must be .* "7d" in FILE:3$/],
    ['sessions = { linger = true };',
        qr/"linger" must be a number of seconds, or .* in FILE:3$/],
    ['sessions = { connect_rate = 0 };',
        qr/"connect_rate" must be between 1 and 100000 in FILE:3$/],
    ['sessions = { presence = 1.5 };', qr/must be a number of s.* in FILE:3$/],
    ['sessions = { presence = "1ms" };',
        qr/"presence" must be between 100ms and 3600000ms in FILE:3$/],
    ['sessions = { backoff_min = "20s"; backoff_max = "10s" };',
        qr/"backoff_max" is less than "backoff_min" in FILE:3$/],
    ['sessions = 3;', qr/"sessions" is not a group in FILE:3$/],
    ['sessions = { nothing = 3 };', qr/unknown setting "nothing" in FILE:3$/],
    ['log_level = "loud";', qr/"loud", but must be "emerg" or .*FILE:3$/],
    ['log_level = [', qr/syntax error, each setting .*FILE:\d+$/],
    ['listen = "8025";',
        qr/"listen" is neither address:port nor unix:path in FILE:3$/],
    ['listen = "localhost:99999";', qr/"listen" is neither/],
    map({ ["redis = { prefix = \"$_\" };",
        qr/"prefix" of redis is not a name .* in FILE:3$/] }
        'a{b', 'a*', '', 'x' x 65),
    ['redis = { password_file = "/nonexistent" };',
        qr/"password_file" cannot read "\/nonexistent": .* in FILE:3$/],
    ['redis = { tls = true; ca_file = "/nonexistent" };',
        qr{cannot use "ca_file" "/nonexistent": no certificates in FILE:3$}],
    map({ ["auth = { trusted = \"$_\" };",
        qr/"trusted" is no list of up to 32 /] } 'localhost', '10.0.0.0/33',
        '::1/x', '10.0.0.1 ' x 33),
    ['redis = { port = "6379" };',
        qr/"port" must be a whole number, without quotes in FILE:3$/],
    ['redis = { tls = "on" };',
        qr/"tls" must be true or false, without quotes in FILE:3$/],
    ['redis = { host = 1 };',
        qr/"host" must be a text in quotes in FILE:3$/],
    map({ ["redis = { host = \"$_\" };",
        qr/"host" must be a name or an address and .*"port" .*FILE:3$/] }
        'redis://:geheim@h', '127.0.0.1:6379', 'a b', ''),
    ['redis = { user = "u" };',
        qr/"user" of redis needs "password" or "password_file" in FILE:3$/],
    ['redis = { password = "geheim"; password_file = "/none" };',
        qr/"password_file" stands beside the same .* remove one in FILE:3$/],
    map({ ["lease = { id = \"$_\" };",
        qr/"id" of lease must be a name without spaces in FILE:3$/] }
        'my bridge', ''),
);

my @servers = (
    ['', qr/"servers" is not a list of one group at least/],
    ['servers = ();', qr/not a list of one group at least in FILE:3$/],
    ['servers = ( 1 );', qr/a server is not a group in FILE:3$/],
    ['servers = ( { name = "x" } );', qr/a server has no "host" in FILE:3$/],
    ['servers = ( { host = "x"; port = 0 } );',
        qr/"port" must be between 1 and 65535 in FILE:3$/],
    ['servers = ( { host = "x"; tls = "ssl" } );',
        qr/"ssl", but must be "off" or "starttls" or "imaps" in FILE:3$/],
    ['servers = ( { host = "x"; master_user = "m" } );',
        qr/"master_user" and "master_password" need each other in FILE:3$/],
    map({ ["servers = ( { host = \"$_\" } );",
        qr/"host" must be a name or an address and .*"port" .*FILE:3$/] }
        'imap.example.com:993', 'imaps://imap.example.com', 'u:p@h'),
    ['servers = ( { host = "x" }, { host = "y"; match = "*@example.com" } );',
        qr/the server is never asked, because .* "match", .* in FILE:3$/],
    ['servers = ( { host = "x"; ca_file = "/nonexistent" } );',
        qr{cannot use "ca_file" "/nonexistent": no certificates in FILE:3$}],
);

my $t = Pimap->new();
$t->plan(2 + @mistakes + @servers + 19);

my $bridge = Pimap::Bridge->new(t => $t);

sub says {
    my ($text, $re) = @_;

    $t->write_file($bridge->file(), $text);
    my ($ok, $output) = $bridge->check();

    my $file = $bridge->file();
    $output =~ s/\Q$file\E/FILE/g;

    ok(!$ok && $output =~ /^.*\[emerg\].*$re/m && $output !~ /geheim/, $re)
        or diag($output);
}

# The example, and the shortest valid file

my $example = $t->read_file($t->root() . '/bridge/pimap-bridge.conf');
$t->write_file($bridge->file(), $example);
my ($ok, $output) = $bridge->check();
ok($ok, 'the example is valid') or diag($output);

$t->write_file($bridge->file(), "$server\n");
($ok, $output) = $bridge->check();
ok($ok, 'a server alone is valid') or diag($output);

# Valid, but passwords go in clear to another host

for (['::1'], ['localhost'], ['127.0.0.2'], ['imap.example.com', 1]) {
    my ($host, $warns) = @$_;

    $t->write_file($bridge->file(),
        "servers = ( { host = \"$host\"; tls = \"off\" } );\n");
    ($ok, $output) = $bridge->check();

    my @warnings = $output =~ /\[warn\] .* in clear to /g;

    ok($ok && @warnings == ($warns // 0), "no TLS to $host") or diag($output);
}

says("# a line\n\n$_->[0]\n$server\n", $_->[1]) for @mistakes;
says("# a line\n\n$_->[0]\n", $_->[1]) for @servers;

# A missing file, and options

unlink($bridge->file());
($ok, $output) = $bridge->check();
like($output, qr/\[emerg\] .*cannot read ".*bridge\.conf"/,
    'a missing file: an error');

my $binary = $bridge->binary();
like(qx($binary --version), qr/^pimap-bridge \d/,
    '--version prints the version');
like(qx($binary --help), qr/^Usage: pimap-bridge/, '--help prints the usage');
qx($binary --frobnicate 2>&1);
is($? >> 8, 2, 'an unknown option: exit code 2');

# SIGHUP

$t->redis()->start();
$bridge->start();
ok($t->wait_for(sub { $bridge->healthy() }, 'health'),
    'the bridge is healthy');

my $old = $bridge->port();
$bridge->{main} = 'nonsense = 1;';
ok(!$bridge->reload(), 'SIGHUP with bad settings: refused');
like($bridge->log(), qr/unknown setting "nonsense"/,
    '    the log has the reason');
ok($bridge->healthy(), '    the bridge is still healthy');

$bridge->{main} = 'log_level = "debug";';
$bridge->{kept} = 1;
my $text = $t->read_file($bridge->file());
$text =~ s/^nonsense.*$//m;
$text =~ s/^log_level = .*$/log_level = "notice";/m;
$text =~ s/(listen = "127\.0\.0\.1:)\d+/$1 . $t->port('other')/e;
$t->write_file($bridge->file(), $text);
ok($bridge->reload(), 'SIGHUP with good settings: applied');

ok(!$bridge->get('/healthz'), '    the old port is closed');
$bridge->{name} = 'other';
ok($bridge->healthy(), '    the new port is open');

# SIGUSR1

my $log = $t->dir() . '/bridge.log';
rename($log, "$log.1");
$bridge->{process}->signal('USR1');
ok($t->wait_for(sub { -e $log }, 'log'), 'SIGUSR1: the log is opened again');

# A port that is in use; a second server would answer for another bridge

my $second = Pimap::Bridge->new(t => $t, name => 'other2');
$second->{main} = '';
$second->write_conf();
my $conf = $t->read_file($second->file());
$conf =~ s/(listen = "127\.0\.0\.1:)\d+/$1 . $t->port('other')/e;
$conf =~ s/^log = .*$//m;
$t->write_file($second->file(), $conf);
$output = qx($binary -c @{[ $second->file() ]} 2>&1);
isnt($?, 0, 'the port is in use: the bridge ends');
like($output, qr/cannot listen on "127.0.0.1:\d+": Address already in use/,
    '    the message has the reason');

$bridge->stop();
is($t->read_file($t->dir() . '/bridge.out'), '', 'nothing else is written');
