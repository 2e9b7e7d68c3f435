#!/usr/bin/perl

# A JMAP client library of npm, as it is, against Cyrus behind nginx: each
# change is a StateChange at once, and Cyrus has the change for it.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Cyrus;
use Pimap::Page;
use Pimap::Stream;

my $t = Pimap->new();
my $bridge = Pimap::Bridge->new(t => $t,
    server => 'jmap = true; round_time = "500ms";');
my $json = JSON::PP->new()->utf8();
my $root = $t->root();

# The locations of its page

my $url = 'http://127.0.0.1:' . $t->port('http');
my ($page) = grep { $_->name() eq 'integrations/cyrus/README.md' }
    Pimap::Page->all($root);
my ($locations) = map { $_->{text} } $page->blocks('nginx', 'JMAP');

$locations =~ s{http://127\.0\.0\.1:8008}{'http://127.0.0.1:'
    . $t->port('jmap')}e;
$locations =~ s{https://mail\.example\.com}{$url}g;
$locations =~ s{/pimap/auth}{/auth};
$t->nginx()->{locations} = $bridge->auth_location() . $locations;

$t->plan(17);
$t->run();

my $cyrus = Pimap::Cyrus->new(t => $t, dav => 'jmap', modules => 'jmap',
    imapd => "conversations: yes\n")->start()->add('alice');

$cyrus->deliver(to => 'alice', subject => 'old');
$bridge->start();

my $client = client();
my $start = $client->();

is($start->{open}, 'alice', 'the client parks; its account is the user');
is_deeply($start->{subjects}, ['old'], '    it knows the mail');
ok($t->wait_for(sub { $bridge->log() =~ /"alice": watching/ },
    'a session of the bridge'), '    the bridge watches the account');

# The first look of the bridge is a change of all.

my $first = changed($client);

is_deeply($first, [qw(Email EmailDelivery Mailbox Thread)],
    'the first look: anything may have changed');
is($client->()->{created}, 0, '    Cyrus says that nothing has');

my $begin = time();

$cyrus->deliver(to => 'alice', subject => 'new');
is_deeply(changed($client), [qw(Email EmailDelivery Mailbox Thread)],
    'a delivery: a StateChange');
cmp_ok(time() - $begin, '<', 30, '    long before Cyrus itself would look');

my $got = $client->();

is($got->{created}, 1, '    Cyrus has a new mail for it');
is_deeply($got->{subjects}, ['new'], '    this one');

my $imap = $cyrus->imap();

$imap->command('SELECT INBOX');
$imap->command('STORE 2 +FLAGS (\Seen)');
is_deeply(changed($client), [qw(Email Mailbox)], 'a mail is read: a '
    . 'StateChange');
$got = $client->();
is($got->{updated}, 1, '    Cyrus has a changed mail for it');
is($got->{seen}, 1, '    which is read');

$imap->command('STORE 1 +FLAGS (\Deleted)');
is_deeply(changed($client), [qw(Email Mailbox Thread)],
    'a mail is marked: a StateChange');
$client->();
$imap->command('EXPUNGE');
is_deeply(changed($client), [qw(Email Mailbox Thread)],
    'a mail is expunged: a StateChange');
is($client->()->{destroyed}, 1, '    Cyrus says so');

# Types

my $folders = client('Mailbox');

is($folders->()->{open}, 'alice', 'a client that asks for folders only');
$imap->command('CREATE Work');
is_deeply(changed($folders), ['Mailbox'], 'a new folder: a StateChange');

$imap->logout();
$bridge->stop();
$cyrus->stop();


# A client: code that returns its next line.

sub client {
    my (@types) = @_;

    my $process = $t->start(pipe => 1, errors => $t->dir() . '/jmap.out',
        command => ['node', "$root/t/lib/jmap.mjs", "$url/.well-known/jmap",
            "$root/build/npm/node_modules/jmap-jam/dist/index.js", @types],
        env => { NODE_PATH => '/usr/share/nodejs' });
    my $out = Pimap::Stream->new(process => $process, unchunked => 1,
        head => '');

    return sub {
        my $line = $out->read_until(qr/\A.*\n/);

        return $line ? $json->decode($line) : {};
    };
}


# The types of the next StateChange, whose states are new.

my %states;

sub changed {
    my ($client) = @_;

    my $states = $client->()->{changed}{alice} // {};

    return [sort(grep { !$states{"$client $_ $states->{$_}"}++ }
        keys(%$states))];
}
