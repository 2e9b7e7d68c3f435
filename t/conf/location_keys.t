#!/usr/bin/perl

# "nginx -t" refuses two locations that devices could not be told apart by
# after a reload, and names both lines.  Others are accepted.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(bare => 1, mode => '', allow => qr/\[emerg\]/);
my @ports = map { $t->port($_) } qw(one two three);
my @listen = map { "listen 127.0.0.1:$_;" } @ports;

my $included = $t->dir() . '/events.conf';

$t->write_file($included, events('= /e') . "\n");

sub server { return "server { $_[0]\n$_[1]\n}\n" }
sub events { return "location $_[0] { pimap_events; }" }

# Servers, as text; the lines between the two locations.

my @bad = (
    ['two servers without a name at a socket', 3,
        map({ server($listen[0], events('= /e')) } 1, 2)],
    ['two servers of one first name at a socket', 3,
        server("$listen[0] server_name a.example b.example;", events('/e')),
        server("$listen[0] server_name a.example c.example;", events('/e'))],
    ['two servers with one socket in common', 3,
        server("@listen[0, 1]", events('/e')),
        server("@listen[1, 2]", events('/e'))],
    ['a regular expression twice', 1,
        server($listen[0], events('~ e$') . "\n" . events('~ e$'))],
    ['a name with a dot in front and one without', 3,
        server("$listen[0] server_name a.example;", events('/e')),
        server("$listen[0] server_name .a.example;", events('/e'))],
    ['a nested regular expression twice', 1,
        server($listen[0], 'location /a { ' . events('~ e$') . "\n"
            . events('~ e$') . ' }')],
    ['one included file in two servers', 0,
        map({ server($listen[0], "include $included;") } 1, 2)],
);

my @good = (
    ['two servers without a name at two sockets',
        map({ server($_, events('= /e')) } @listen)],
    ['two servers of one name at two sockets',
        map({ server("$_ server_name a.example;", events('= /e')) } @listen)],
    ['an address and all addresses', server($listen[0], events('/e')),
        server("listen *:$ports[0];", events('/e'))],
    ['two names at a socket',
        server("$listen[0] server_name a.example;", events('/e')),
        server("$listen[0] server_name b.example;", events('/e'))],
    ['all kinds of locations of one text', server($listen[0], join(' ',
        map({ events($_) } '= /e', '^~ /e', '~ /e', '~* /e', '@e', '/@e')))],
    ['an exact location beside a prefix', server($listen[0], events('= /e')
        . ' ' . events('/e'))],
    ['nested locations of one text', server($listen[0], join(' ',
        map({ "location $_ { " . events('~ e$') . ' }' } '/a', '/b')))],
    ['"if" and "limit_except"', server($listen[0], 'location /e {'
        . ' pimap_events; if ($args) { set $x 1; }'
        . ' limit_except GET { deny all; } }')],
    ['a second server without "pimap_events"',
        server($listen[0], events('/e')), server($listen[0], '')],
    ['a server of several sockets', server("@listen", events('/e'))],
);

# A device by HTTP/3 does not move.  Before 1.25 nginx has none.

my $udp = "listen 127.0.0.1:$ports[2] quic;";

if ($t->nginx()->http3()) {
    push(@good, ['two servers with one socket of UDP in common',
        map({ server("$_ $udp", events('/e')) } @listen[0, 1])]);
    push(@bad, ['two servers with a socket of UDP and one of TCP in common', 3,
        map({ server("$listen[0] $udp", events('/e')) } 1, 2)]);
}

$t->plan(2 * @bad + @good + 1);

for (@bad) {
    my ($name, $between, @servers) = @$_;
    my ($ok, $output) = check(@servers);
    my @lines = $output =~ /\.conf:(\d+) and in \S*\.conf:(\d+),/;

    ok(!$ok, "$name: refused");
    is(@lines ? $lines[1] - $lines[0] : $output, $between,
        "$name: both lines are named");
}

# The included file has one line for both locations.

my $line = qr/\S*nginx\.conf:(\d+)/;
my $twice = server($listen[0], "include $included;") x 2;
my ($first, $second) = (check($twice))[1]
    =~ /, of the servers in $line and in $line,/;

is(($second // 0) - ($first // 0), 3,
    'an included file: the servers are named');

for (@good) {
    my ($name, @servers) = @$_;
    my ($ok, $output) = check(@servers);

    ok($ok, "$name: accepted") or diag($output);
}


sub check {
    my (@servers) = @_;

    $t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:6379;'
        . "\n" . join('', @servers);
    $t->nginx()->{locations} = '';

    return $t->nginx()->check();
}
