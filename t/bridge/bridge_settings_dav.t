#!/usr/bin/perl

# Each setting of "dav" in pimap-bridge.conf changes what the bridge says to
# the server, or what it keeps.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeDav;
use Pimap::FakeImap;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(9);
$t->run();

my $redis = $t->redis();
my $imap = Pimap::FakeImap->new(t => $t);
my $fake = Pimap::FakeDav->new(t => $t)->start();
my %book = (book => { map { ("$_.vcf" => '"1"') } 1 .. 3 }, ctag => '1');
my ($bridge, $device);

$imap->start();
$imap->script(
    Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS'),
    ['serve', { INBOX => [5, 1] }, 'LOGOUT']);

# A master user

$fake->behave(\%book);
watch('master_header = "X-As"; rate = 1000; max_requests = 10;');
ok($t->wait_for(sub { $fake->noted(qr/as user1/) }, 'X-As'),
    'master_header: it names the user');
ok($fake->noted(qr/master: PROPFIND/), '    for whom the master user logs in');
is($fake->noted(qr/as (?!user1).*/), 0, '    and no other user');

# A server that does not answer

$fake->behave({ %book, PROPFIND => { hang => 1 } });
watch('answer_timeout = "300ms"; connect_timeout = "300ms";', 'away');
ok($t->wait_for(sub { $bridge->log() =~ /DAV: .*timed? ?out/i }, 'a line'),
    'answer_timeout: a server that does not answer is left');

# Limits

my @props = map { Pimap::FakeDav::response("/$_/", '<D:resourcetype>'
    . '<D:collection/><A:addressbook/></D:resourcetype>') } qw(book other);

$fake->behave({ %book, 'PROPFIND /' => { body =>
    Pimap::FakeDav::multistatus(Pimap::FakeDav::response('/',
        '<D:resourcetype><D:collection/></D:resourcetype>'
        . '<D:current-user-principal><D:href>/</D:href>'
        . '</D:current-user-principal><A:addressbook-home-set>'
        . '<D:href>/</D:href></A:addressbook-home-set>'), @props) } });
watch('max_collections = 1;');
ok($t->wait_for(sub { $bridge->log() =~ m{"/other/": too many collections} },
    'a line'), 'max_collections: another collection is not watched');

$fake->behave(\%book);
watch('max_known = 2;');
unlike(join(' ', @{ $redis->command('HGETALL', 'pimap:{user1}:bridge') }),
    qr/1\.vcf/, 'max_known: the ETags of more objects are not kept');
$fake->behave({ %book, ctag => '2' });

my $event = event('ContactChange');

ok($event->{all}, '    after a change the device reads all');
is($event->{changed}, undef, '    and no object is named');

watch('max_object = 1024;');
$redis->command('FCALL', 'pimap_update', 2, 'pimap:{user1}', 'pimap:updates',
    10, 'phone', 'u1', $t->json({ id => 'u1', update => 'dav.put',
        href => '/book/new.vcf', text => 'x' x 1025 }));
like(event('UpdateResult')->{detail}, qr/"text" is too long/,
    'max_object: a longer one is refused');

$device->close();
$bridge->stop();


# A bridge with this setting, and a device of user1.

sub watch {
    my ($setting, $away) = @_;

    if ($bridge) {
        $bridge->stop();
        $device->close();
        $redis->command('DEL', map { "pimap:{user1}$_" } '', ':bridge',
            ':lease');
    }

    $bridge = Pimap::Bridge->new(t => $t, imap => $imap->port(),
        server => Pimap::Bridge->master() . 'dav = { url = "' . $fake->url()
        . '/"; master_user = "master"; master_password = "m"; '
        . "poll_min = \"100ms\"; poll_max = \"100ms\"; $setting }")
        ->start()->wait_healthy();

    $device = $t->park('user1', query => 'device=phone');
    $device->read_until(qr/: parked\n.*\n\n/);
    $t->wait_for(sub { $bridge->metric('dav_accounts') }, 'DAV') if !$away;
}


sub event {
    my ($name) = @_;

    while (my $event = $device->event()) {
        return $event->{json} if $event->{event} eq $name;
    }

    return Pimap::Missing->new();
}
