#!/usr/bin/perl

# A request that a browser has sent for a page of another origin publishes
# nothing, sends no update, gets no ticket and parks with no body, unless
# "pimap_origin" allows it.  A body of a type that any page may send is
# refused.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my %account = map { $_ => "pimap_account \$arg_account; pimap_$_;" }
    qw(events update ticket);

for my $place (['', ''], ['/listed', 'https://mail.example.com'],
    ['/any', '*'])
{
    my ($path, $origin) = @$place;
    my $allow = $origin ? "pimap_origin $origin;" : '';

    $t->nginx()->{locations} .= "location $path/x { $allow"
        . " location $path/x/publish { pimap_publish; }"
        . join('', map { " location $path/x/$_ { $account{$_} }" }
            sort(keys(%account))) . " }\n";
}

my $event = $t->json({ event => 'MessageNew' });
my $update = $t->json({ id => '1', update => 'flags' });
my $own = 'http://localhost';
my $listed = 'https://mail.example.com';

# what sends the request, path, Sec-Fetch-Site, Origin, whether it is allowed
my @requests = (
    ['a program', '', undef, undef, 1],
    ['a user by hand', '', 'none', undef, 1],
    ['an own page', '', 'same-origin', $own, 1],
    ['an own page behind a proxy', '', 'same-origin', $listed, 1],
    ['an own page that hides its origin', '', 'same-origin', 'null', 1],
    ['a page of another site', '', 'cross-site', 'https://evil.example', 0],
    ['a page of another site, no origin', '', 'cross-site', undef, 0],
    ['a page of another site, own name', '', 'cross-site', $own, 0],
    ['a page of a neighbour', '', 'same-site', 'http://www.localhost', 0],
    ['an unknown relation', '', 'x', undef, 0],
    ['an old browser, own page', '', undef, $own, 1],
    ['an old browser, another site', '', undef, 'https://evil.example', 0],
    ['an old browser, no origin', '', undef, 'null', 0],
    ['a listed page', '/listed', 'cross-site', $listed, 1],
    ['an old browser, a listed page', '/listed', undef, $listed, 1],
    ['an own page that is not listed', '/listed', 'same-origin', $own, 0],
    ['another site, no origin, a list', '/listed', 'cross-site', undef, 0],
    ['a program, a list', '/listed', undef, undef, 1],
    ['any page', '/any', 'cross-site', 'null', 1],
    ['any page without an origin', '/any', 'cross-site', undef, 1],
);

# type, status
my @types = (
    [undef, 415], ['text/plain', 415], ['multipart/form-data', 415],
    ['application/x-www-form-urlencoded', 415], ['application/jsonp', 415],
    ['application/json; charset=utf-8', 200], ['application/x-ndjson', 200],
);

$t->plan(6 * @requests + 3 * @types + 2);
$t->run();
$t->wait_ready();

my $s = $t->park('alice');
$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');

my ($events, $updates) = (0, 0);

for (@requests) {
    my ($name, $path, $site, $origin, $allowed) = @$_;
    my %headers = (defined $site ? ('Sec-Fetch-Site' => $site) : (),
        defined $origin ? (Origin => $origin) : ());

    my $publish = $t->post("$path/x/publish?account=alice", $event,
        headers => { %headers });
    my $change = $t->post("$path/x/update?account=alice", $update,
        headers => { %headers });
    my $ticket = $t->get("$path/x/ticket?account=alice",
        headers => { %headers });
    my $park = $t->duplex('bob', path => "$path/x/events",
        headers => { %headers });

    is($publish->{status}, $allowed ? 200 : 403, "$name: publishes");
    is($change->{status}, $allowed ? 202 : 403, "$name: updates");
    is($ticket->{status}, $allowed ? 200 : 403, "$name: gets a ticket");
    is($park->status(), $allowed ? 200 : 403, "$name: parks with a body");
    is($t->park('bob', headers => { %headers })->status(), 200,
        "$name: parks without a body");

    $events += $allowed;
    $updates ||= $allowed;

    is_deeply([$t->status()->{publish}{published}, updates()],
        [$events, $updates], "$name: nothing else is done");
    $park->close();
}

for (@types) {
    my ($type, $status) = @$_;
    my $name = $type // 'no type';

    for my $method (qw(POST PUT)) {
        my $r = $t->open_stream(join("\r\n",
            "$method /publish?account=alice HTTP/1.1", 'Host: localhost',
            'Connection: close', defined $type ? "Content-Type: $type" : (),
            'Content-Length: ' . length($event), '', $event));

        is($r->status(), $status, "$name: $method");
        $events += $status == 200;
    }

    is($t->status()->{publish}{published}, $events,
        "$name: published if it is allowed");
}

is(scalar($s->events($events)), $events, 'each event is delivered');
ok($s->quiet(0.1), 'no event of a refused request is delivered');


sub updates { 0 + ($t->redis()->command('XLEN', 'pimap:updates') // 0) }
