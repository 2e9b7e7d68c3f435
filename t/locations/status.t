#!/usr/bin/perl

# The status page sums up all workers, as JSON and as text for Prometheus;
# ?ready fails while a worker cannot deliver.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_redis unix:' . $t->redis()->socket()
    . ' probe=200ms timeout=1s;';

$t->plan(48);
$t->run();


# Devices of both workers, and events for them.

my ($first, $second) = $t->workers();

my @devices = map {
    my ($pid, $account, $query) = @$_;

    $t->nginx()->only($pid, sub {
        my $s = $t->park($account, query => $query);
        $s->read_until(qr/: parked\n.*\n\n/);
        $s;
    });
} ([$first, 'alice', ''], [$second, 'alice', 'types=Quota'],
    [$second, 'bob', ''], [$first, 'carol', 'closeafter=state']);

$t->subscribed('alice', 2);
$t->subscribed('carol');
$t->redis()->publish('alice', { event => 'MessageNew' });
$t->redis()->publish('alice', 'x');
$t->publish('carol', { event => 'MessageNew' });
$t->publish('carol', 'x');
$t->get('/events?account=');
$devices[0]->event();
$devices[3]->event();
$t->wait_for(sub {
    my $s = $t->status();
    $s->{parked} == 3 && $s->{events}{received} >= 5
        && !grep { !$_->{ready} } @{ $s->{workers} };
}, 'three devices, and each worker has read the events and is ready');

my $s = $t->status();

is($s->{parked}, 3, 'parked');
is($s->{accounts}, 3, 'accounts, by worker');
is($s->{connects}, 4, 'connects');
is($s->{refused}, 1, 'refused');
is_deeply({ map { $_ => $s->{ends}{$_} } grep { $s->{ends}{$_} }
    keys(%{ $s->{ends} }) }, { closeafter => 1 }, 'ends');
is(join(' ', sort(keys(%{ $s->{ends} }))),
    'answered client closeafter drain error expired operator slow superseded'
        . ' timeout',
    'reasons to end');
is($s->{events}{received}, 5, 'received: by each worker');
is($s->{events}{invalid}, 2, 'invalid');
is($s->{events}{filtered}, 1, 'filtered');
is($s->{events}{delivered}, 2, 'delivered');
is($s->{events}{dropped}, 0, 'dropped');
cmp_ok($s->{events}{receivedBytes}, '>', 60, 'bytes received');
cmp_ok($s->{sentBytes}, '>', 4 * 20, 'bytes sent');
is_deeply($s->{publish}, { published => 1, invalid => 1, failed => 0 },
    'publish requests');

my $delay = $s->{deliveryDelay};
my $delivered = 0;

$delivered += $delay->{$_} for grep { $_ ne 'seconds' } keys(%$delay);
is($delivered, 3, 'delays');

is(join(' ', sort { $a <=> $b } map { $_->{pid} } @{ $s->{workers} }),
    join(' ', sort { $a <=> $b } $first, $second), 'workers');

my ($one, $two) = map {
    my $pid = $_; grep { $_->{pid} == $pid } @{ $s->{workers} }
} ($first, $second);

is("$one->{devices} $two->{devices}", '1 2', 'devices of each worker');
is("$one->{accounts} $two->{accounts}", '1 2', 'accounts of each worker');
is("$one->{ready} $two->{ready}", '1 1', 'both workers are ready');
is($two->{redis}{up}, 1, 'the worker is connected to Redis');
cmp_ok($two->{redis}{subscribed}, '>=', 2, 'subscriptions of the worker');


# The choice of the format.

my $json = qr{^Content-Type: application/json\r$}m;
my $text = qr{^Content-Type: text/plain; version=0\.0\.4\r$}m;
my $prometheus = 'application/openmetrics-text;version=1.0.0;q=0.5,'
    . 'text/plain;version=0.0.4;q=0.4,*/*;q=0.1';

for (
    ['', undef, $json],
    ['?format=json', 'text/plain', $json],
    ['?format=prometheus', 'application/json', $text],
    ['', 'text/plain', $text],
    ['', $prometheus, $text],
    ['', '*/*', $json],
    ['', 'application/json, text/plain, */*', $json],
    ['', 'text/html,application/xhtml+xml,*/*;q=0.8', $json],
) {
    my ($query, $accept, $type) = @$_;
    my $got = $t->get("/status$query",
        headers => $accept ? { Accept => $accept } : {});

    like($got->{head}, $type, "form: \"$query\" " . ($accept // ''));
}

for my $format ('xml', '', 'json2', '%') {
    is($t->get("/status?format=$format")->{status}, 400, "form: \"$format\"");
}

is($t->post('/status', '')->{status}, 405, 'POST');
like($t->request('HEAD', '/status', close => 1)->header('Content-Length'),
    qr/^\d{3,}$/, 'HEAD');
like($t->get('/status')->{head}, qr/^Cache-Control: no-store\r$/m,
    'the page is not cached');


# The text for Prometheus.

my $body = $t->get('/status?format=prometheus')->{body};
my ($problems, $value) = check($body);

is(join("\n", @$problems), '', 'the text is valid for Prometheus');
is($value->{'pimap_connects_total'}, 4, 'a counter');
is($value->{'pimap_ends_total{reason="closeafter"}'}, 1,
    'a counter with a label');
is($value->{'pimap_delivery_delay_seconds_count'}, 3, 'a histogram');
is($value->{"pimap_worker_ready{worker=\"$two->{worker}\",pid=\"$second\"}"},
    1, 'a gauge of a worker');
($problems) = check("# TYPE pimap_x counter\npimap_x 1\n");
isnt(join("\n", @$problems), '', 'this test finds invalid text');


# Ready, or not.

is($t->get('/status?ready')->{status}, 200, 'ready');
$t->redis()->pause();
ok($t->wait_for(sub { $t->get('/status?ready')->{status} == 503 }, 'red'),
    'a silent Redis: not ready');
$t->redis()->resume();
ok($t->wait_for(sub { $t->get('/status?ready')->{status} == 200 }, 'green'),
    'Redis answers: ready again');
$t->redis()->stop();
ok($t->wait_for(sub { $t->get('/status?ready')->{status} == 503 }, 'red'),
    'no Redis: not ready');
like($t->get('/status?ready')->{json}{detail}, qr/Redis is away/,
    'with the reason');
$t->redis()->start();
ok($t->wait_for(sub { $t->get('/status?ready')->{status} == 200 }, 'green'),
    'Redis is back: ready again');


# Violations of the format's rules, and the values by name and labels.

sub check {
    my ($text) = @_;

    my (@problems, %type, %help, %value, $family);

    for my $line (split(/\n/, $text)) {

        if ($line =~ /^# (HELP|TYPE) (\S+) (.+)$/) {
            my ($kind, $name, $rest) = ($1, $2, $3);
            my $seen = $kind eq 'HELP' ? \%help : \%type;

            push(@problems, "twice: $line") if $seen->{$name};
            $seen->{$name} = $rest;
            $family = $name;
            next;
        }

        my ($name, $labels, $number) = $line =~
            /^([a-z_]+)(\{(?:[a-z_]+="[^"\\]*",?)+\})? ([0-9.]+)$/;

        if (!defined $name) {
            push(@problems, "not understood: $line");
            next;
        }

        my $type = $type{$family // ''} // 'none';
        my $base = $name;
        $base =~ s/_(?:bucket|sum|count)$// if $type eq 'histogram';
        $labels //= '';

        push(@problems, "not of its family: $line")
            if $base ne ($family // '') || !$help{$base};
        push(@problems, "twice: $line") if exists $value{"$name$labels"};
        push(@problems, "name of a counter: $line")
            if ($type eq 'counter') != ($name =~ /_total$/);
        push(@problems, "prefix: $line") if $name !~ /^pimap_/;
        $value{"$name$labels"} = $number;
    }

    for my $name ($text =~ /^# TYPE (\w+) histogram$/mg) {
        my @buckets = $text =~ /^${name}_bucket\{le="[^"]+"\} (\d+)$/mg;

        push(@problems, "buckets that shrink: $name")
            if grep { $buckets[$_] < $buckets[$_ - 1] } 1 .. $#buckets;
        push(@problems, "no +Inf: $name") if !@buckets
            || $text !~ /^${name}_bucket\{le="\+Inf"\} $buckets[-1]\n/m;
    }

    push(@problems, 'no end of line') if $text !~ /\n\z/;

    return (\@problems, \%value);
}
