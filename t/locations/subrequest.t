#!/usr/bin/perl

# Other modules of nginx send requests to our locations: mirrors and includes
# are answered with the rules of their own location, and harm neither the main
# request nor the worker.  A subrequest can't park.  After a redirect within
# nginx the response has our own type.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my $port = $t->port('http');

$t->write_file($t->dir() . '/page.html', '<!--# include virtual="/status" -->'
    . '<!--# include virtual="/events?account=alice" --> the end');
$t->write_file($t->dir() . '/file.txt', "text\n");
$t->nginx()->{locations} .= <<"END";
        location = /page.html {
            ssi on;
            root @{[ $t->dir() ]};
        }

        location = /mirrored {
            mirror /events;
            mirror_request_body off;
            alias @{[ $t->dir() ]}/file.txt;
        }

        location = /mirrored/held {
            mirror /events;
            mirror /slow;
            pimap_account \$arg_account;
            pimap_events;
        }

        location = /mirrored/open {
            mirror /file.txt;
            mirror_request_body off;
            pimap_account \$arg_account;
            pimap_events;
        }

        location = /mirrored/read {
            mirror /file.txt;
            pimap_account \$arg_account;
            pimap_events;
        }

        location = /mirrored/publish {
            mirror /publish;
            pimap_publish;
        }

        location = /mirrored/file {
            client_body_buffer_size 1k;
            mirror /publish;
            proxy_pass http://127.0.0.1:$port/nothing;
        }

        location = /mirrored/unread {
            mirror /publish;
            mirror_request_body off;
            proxy_pass http://127.0.0.1:$port/nothing;
        }

        location = /failed {
            client_body_buffer_size 1k;
            error_page 502 = \@publish;
            proxy_pass http://127.0.0.1:1;
        }

        location \@publish {
            pimap_publish;
        }

        location = /failed/update {
            client_body_buffer_size 1k;
            error_page 502 = \@update;
            proxy_pass http://127.0.0.1:1;
        }

        location \@update {
            pimap_account \$arg_account;
            pimap_update;
        }

        location = /mirrored/update {
            mirror /update/other;
            pimap_account \$arg_account;
            pimap_update;
        }

        location = /update/other {
            pimap_account other;
            pimap_update;
        }

        location = /checked {
            auth_request /events;
            alias @{[ $t->dir() ]}/file.txt;
        }

        location = /file.txt {
            root @{[ $t->dir() ]};
        }

        location = /slow {
            proxy_pass http://127.0.0.1:$port/events?account=slow;
        }

        location = /app {
            proxy_pass http://127.0.0.1:$port/app/answer;
        }

        location = /app/answer {
            types { }
            default_type "text/html; charset=iso-8859-1";
            add_header X-Accel-Redirect /events?account=alice;
            return 200;
        }
END

my $event = $t->json({ event => 'MessageNew' });

$t->plan(33);
$t->run();
$t->wait_ready();

my @workers = $t->workers();

# includes

my $page = $t->get('/page.html');
is($page->{status}, 200, 'a page that includes the status');
like($page->{body}, qr/\A\{.*\}\n/s, '    has it');
like($page->{body}, qr/a subrequest can't park/, '    but no parked response');
like($page->{body}, qr/ the end\z/, '    and goes on after both');

# mirrors and auth_request

mirrored('');
$t->redis()->command('CLIENT', 'PAUSE', 1000, 'ALL');
mirrored(', Redis is slow');
$t->wait_ready();

is($t->get('/checked?account=alice')->{status}, 403,
    'auth_request to park: refused');

my $s = $t->park('alice');
$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');

is($t->post('/mirrored/publish?account=alice', $event)->{status}, 200,
    'an event that is mirrored');
is(scalar($s->events(2)), 2, '    is published twice');

is($t->post('/mirrored/update?account=alice', $t->json({ id => '1',
    update => 'x' }))->{status}, 202, 'an update that is mirrored');
ok($t->wait_for(sub {
    $t->redis()->command('XLEN', 'pimap:updates') == 2
}, 'both updates'), '    is sent twice');
is_deeply([sort(map { my %field = @{ $_->[1] }; $field{account} }
    @{ $t->redis()->command('XRANGE', 'pimap:updates', '-', '+') })],
    ['alice', 'other'], '    by the account of each location');

# a body that another location has read, and written to a file

my $large = $event . ' ' x 40000;

$t->post('/mirrored/file?account=alice', $large);
is($s->event()->{event}, 'MessageNew', 'a file that is mirrored: published');
is($t->post('/failed?account=alice', $large)->{status}, 200,
    'a file after a proxy that failed: published');
is($s->event()->{event}, 'MessageNew', '    the same event');
is($t->post('/failed/update?account=alice', $t->json({ id => '2',
    update => 'x' }) . ' ' x 40000)->{status}, 202,
    'the same with an update: sent');
is($t->post('/failed?account=alice', $event . ' ' x 300000)->{status}, 413,
    'a file over pimap_max_body: refused');

my $events = $t->redis()->command('XLEN', 'pimap:{alice}');

$t->post('/mirrored/unread?account=alice', $event);
ok($t->wait_for(sub { $t->log() =~ /pimap has 0 of \d+ bytes of the body/ },
    'the error'), 'a body that is not mirrored: an error is logged');
is($t->redis()->command('XLEN', 'pimap:{alice}'), $events,
    '    and nothing is published');

# a device whose location has a mirror: held until the mirror ends

my $held = $t->park('bob', path => '/mirrored/held');
ok($held->read_until(qr/: parked\n.*\n\n/), 'a mirror: the device parks');
$t->subscribed('bob');
$t->redis()->publish('bob', { event => 'MessageNew' });
is($held->event()->{event}, 'MessageNew', '    and gets its event');
$held->close();

# a body that stays open, in a location whose mirror reads it or not

for my $transport (qw(http h2)) {
    my $open = $t->duplex('carol', path => '/mirrored/open',
        transport => $transport);
    is($open->status(), 200, "$transport: the body is not mirrored: parked");
    $open->close();

    my $read = $transport eq 'http'
        ? $t->duplex('carol', path => '/mirrored/read')
        : $t->request('POST', '/mirrored/read?account=carol', body => "\n",
            transport => 'h2',
            headers => { 'Content-Type' => 'application/x-ndjson' });
    $read->{fh}->syswrite("0\r\n\r\n") if $transport eq 'http';
    is($read->status(), 500, "$transport: the mirror has read it: refused");
}

# X-Accel-Redirect

my $r = $t->request('GET', '/app');
ok($r->read_until(qr/: parked\n.*\n\n/), 'X-Accel-Redirect: parked');
is($r->header('Content-Type'), 'text/event-stream',
    '    with no character set of the application');

is($t->status()->{devices}{detached}, 2, 'no subrequest has parked');
is_deeply([$t->workers()], \@workers, 'the worker is the same');


sub mirrored {
    my ($name) = @_;

    my $refused = $t->status()->{refused};

    is($t->get('/mirrored?account=alice')->{status}, 200,
        "a mirror to park$name: the request is answered");
    ok($t->wait_for(sub { $t->status()->{refused} == $refused + 1 },
        'the mirror'), "    the mirror is refused$name");
    is_deeply([$t->workers()], \@workers, "    the worker lives$name");
}
