#!/usr/bin/perl

# integrations/prometheus: a real Prometheus with these jobs and rules finds
# nginx and the bridge, and each metric with each label that a rule or a panel
# of the dashboard names.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP qw(decode_json);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;

my $t = Pimap->new(workers => 2);
my $files = $t->root() . '/integrations/prometheus';
my ($jobs, $rules) = map { $t->read_file("$files/$_") }
    qw(prometheus.yml rules.yml);
my $dashboard = decode_json($t->read_file("$files/dashboard.json"));
my @panels = grep { $_->{targets} } @{ $dashboard->{panels} };

# An expression may be folded over lines with a larger indent.

my @rules = map { s/\s+/ /gr } $rules
    =~ /^ +expr: (?:>-\n)?(.+\n(?:^ {10}.+\n)*)/mg;
my @selectors = do {
    my %seen;
    grep { !$seen{$_}++ } join("\n", @rules, map { $_->{expr} }
        map { @{ $_->{targets} } } @panels)
        =~ /\b((?:pimap|up)\w*(?:\{[^}]*\})?)(?![:\w(])/g;
};

@selectors = grep { !/^pimap$/ } @selectors;

$t->plan(9 + @selectors + @panels);
$t->run();

# Both need no mail server for their metrics.

my $bridge = Pimap::Bridge->new(t => $t, imap => $t->port('none'))
    ->start()->wait_healthy();

my $device = $t->park('alice');

$device->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');
$t->publish('alice', { event => 'MessageNew' });
ok($device->event(), 'a device and an event, to be counted');

is(scalar(@rules), scalar(() = $rules =~ /- (?:alert|record): /g),
    'all rules are found in rules.yml');
cmp_ok(scalar(@selectors), '>', 40, '    with the metrics in them');

# The address and the path of the test.

my ($nginx, $other) = ('127.0.0.1:' . $t->port('http'),
    '127.0.0.1:' . $bridge->port());

like($jobs, qr{127\.0\.0\.1:8026.*127\.0\.0\.1:8025}s, 'two jobs');
$jobs =~ s/127\.0\.0\.1:8026/$nginx/;
$jobs =~ s/127\.0\.0\.1:8025/$other/;
$jobs =~ s{/pimap/status}{/status};

my $dir = $t->dir();

$t->write_file("$dir/rules.yml", $rules);
$t->write_file("$dir/prometheus.yml", "global:\n  scrape_interval: 500ms\n"
    . "  evaluation_interval: 500ms\n$jobs");

is(`promtool check config $dir/prometheus.yml 2>&1` =~ s/.*SUCCESS.*\n//gr
    =~ s/^(?:Checking .*|\s*)\n//mgr, '', 'promtool finds no fault');

my $url = 'http://127.0.0.1:' . $t->port('prometheus');

my $server = $t->start(output => "$dir/prometheus.out",
    command => ['prometheus', "--config.file=$dir/prometheus.yml",
        "--storage.tsdb.path=$dir/tsdb",
        '--web.listen-address=' . $url =~ s{http://}{}r]);

ok($t->wait_for(sub { @{ query('up == 1') } == 2 }, 'two targets'),
    'both jobs find their target');
ok($t->wait_for(sub { @{ query('count_over_time('
    . 'pimap_bridge_redis_up[5m]) > 2') } == 1
    && @{ query('pimap:event_latency_seconds:p99') } }, 'samples'),
    'it has asked several times');
is(query('pimap_event_latency_seconds_count')->[0]{value}[1], 1,
    'the latency of one event is counted');

for my $selector (@selectors) {
    ok(scalar(@{ query($selector) }), "a rule or a panel: $selector");
}

for my $panel (@panels) {
    is(join(', ', grep { !@{ query($_) } } map { $_->{expr} }
        @{ $panel->{targets} }), '', "the panel has data: $panel->{title}");
}

my $health = get('/api/v1/rules')->{data}{groups};

is(join(', ', map { "$_->{name}: $_->{health}" } grep { $_->{health} ne 'ok' }
    map { @{ $_->{rules} } } @$health), '', 'each rule can be computed');

$t->stop($server);
$bridge->stop();


sub get {
    my ($path) = @_;

    my $answer = HTTP::Tiny->new(timeout => 20)->get("$url$path");

    return $answer->{success} ? decode_json($answer->{content}) : {};
}


sub query {
    my ($expr) = @_;

    my $query = $expr =~ s/([^\w])/sprintf('%%%02X', ord($1))/ger;

    return get("/api/v1/query?query=$query")->{data}{result} // [];
}
