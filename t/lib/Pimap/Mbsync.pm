package Pimap::Mbsync;

# isync's mbsync, as another client of alice's: it copies changes of its
# Maildir to the server, and back.

use strict;
use warnings;

use Time::HiRes qw(time);


sub new {
    my ($class, %set) = @_;

    my $t = $set{t};
    my $dir = $t->dir() . '/local';

    mkdir($dir) or die "$dir: $!\n";
    $t->write_file("$dir/mbsyncrc", <<"END");
IMAPStore far
Host 127.0.0.1
Port @{[ $t->port('imap') ]}
User alice
Pass secret
SSLType None
AuthMechs LOGIN

MaildirStore near
Path $dir/
Inbox $dir/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
END

    return bless({ t => $t, dir => $dir }, $class);
}


sub dir { $_[0]{dir} }

# The time of the last synchronization.

sub last { $_[0]{last} }


# Synchronizes; true on success.

sub sync {
    my ($self) = @_;

    my $status = system("mbsync -q -c $self->{dir}/mbsyncrc all"
        . " >>$self->{dir}/out 2>&1 </dev/null");

    $self->{last} = time();

    return $status == 0 || !warn($self->{t}->read_file("$self->{dir}/out"));
}


# The file of the message of this subject, or ''.

sub file {
    my ($self, $mailbox, $subject) = @_;

    my ($file) = grep {
        $self->{t}->read_file($_) =~ /^Subject: \Q$subject\E\r?$/m
    } glob("$self->{dir}/$mailbox/{cur,new}/*");

    return $file // '';
}


# Gives it these flags, or moves it, too: then it has no UID any more.

sub change {
    my ($self, $mailbox, $subject, $flags, $to) = @_;

    my ($name) = (my $file = $self->file($mailbox, $subject))
        =~ m{/([^/]+?)(?::2,\w*)?$};

    $name =~ s/,U=\d+// if $to;

    return rename($file, join('/', $self->{dir}, $to // $mailbox,
        "cur/$name:2,$flags"));
}


1;
