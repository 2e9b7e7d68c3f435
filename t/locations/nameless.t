#!/usr/bin/perl

# "if" and "limit_except" in a location of ours change nothing but what they
# say: requests park, publish, update, get a ticket and the status as without
# them, and devices stay parked over a reload.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my %inside = (
    if => 'if ($http_origin) { add_header X-Inside $http_origin; }',
    limited => 'limit_except PUT { allow 127.0.0.1; deny all; }',
);
my @endpoints = qw(events publish update ticket status);

my $t = Pimap->new(workers => 2, allow => qr/is not allowed here/);

$t->nginx()->{locations} .= join('', map {
    my $way = $_;
    map { location($way, $_) } @endpoints
} sort(keys(%inside))) . <<"END";
        location /other {
            pimap_account \$arg_account;
            pimap_events;

            if (\$arg_gone) {
                return 410;
            }

            if (\$arg_proxy) {
                rewrite ^ /status break;
                proxy_pass http://127.0.0.1:@{[ $t->port('http') ]};
            }

            location /other/inner {
            }
        }
END

my $origin = { Origin => 'http://localhost' };
my $large = $t->json({ event => 'MessageNew', x => 'x' x 40_000 });
my $update = $t->json({ id => '1', update => 'flags', x => 'x' x 40_000 });

$t->plan(10 * keys(%inside) + 6);
$t->run();
$t->wait_ready();

my %device = map { $_ => parked("/$_/events", $_) } sort(keys(%inside));
my @old = $t->workers();

$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }), 'a reload');

for my $way (sort(keys(%inside))) {
    my $s = $device{$way};

    $t->redis()->log($way, { event => 'MessageNew', uid => 1 });

    my $event = $s->event() // {};

    is($event->{json}{uid}, 1, "$way: a device stays parked over the reload");
    is($s->status(), 200, "$way: parked with 200");
    is($s->header('X-Inside'), $way eq 'limited' ? undef : $origin->{Origin},
        "$way: its header is set");
}

for my $way (sort(keys(%inside))) {
    my $got = $t->post("/$way/publish?account=$way", $large,
        headers => { %$origin });

    is($got->{status}, 200, "$way: an event of 40 kB is published");
    is($got->{json}{receivers}, 1, "$way: the device gets it");

    $got = $t->post("/$way/update?account=$way", $update,
        headers => { %$origin });
    is($got->{status}, 202, "$way: an update of 40 kB is accepted");

    $got = $t->get("/$way/ticket?account=$way", headers => { %$origin });
    is($got->{status}, 200, "$way: a ticket");
    ok($got->{json}{ticket}, "$way: a ticket: it is in the answer");

    $got = $t->get("/$way/status", headers => { %$origin });
    is($got->{json}{devices}{detached}, 2, "$way: the status");

    $got = $t->request('PUT', "/$way/publish?account=$way", body => '{}',
        headers => { %$origin }, close => 1);
    is($got->status(), 400, "$way: PUT is served as POST is");
}

is($t->get('/other?gone=1')->{status}, 410, '"return" in "if" wins');
is($t->get('/other?proxy=1')->{json}{devices}{detached}, 2,
    'another handler in "if" wins');
is($t->get('/other/inner')->{status}, 404,
    'a location with a name does not inherit what the outer one is');

for my $block ('if ($arg_x)', 'limit_except GET') {
    my ($ok, $text) = check("location = /x { $block { pimap_events; } }");

    ok(!$ok && $text =~ /"pimap_events" directive is not allowed here/,
        "pimap_events in $block is an error");
}


sub location {
    my ($way, $endpoint) = @_;

    my $account = $endpoint eq 'publish' ? '' :
        'pimap_account $arg_account;';

    return "location = /$way/$endpoint {"
        . "$account pimap_$endpoint; $inside{$way} }\n";
}


sub parked {
    my ($path, $account) = @_;

    my $s = $t->park($account, path => $path, headers => { %$origin });

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);

    return $s;
}


# "nginx -t" of another configuration.

sub check {
    my ($location) = @_;

    my $nginx = $t->nginx();
    local $nginx->{locations} = $location;

    return $nginx->check();
}
